"""Prints the headers that the client sends to the Hugging Face MCP server: the token of `hf auth login`, or nothing.

The client removes HF_TOKEN from this program's environment; the `headers` entry of `.mcp.json` handles that variable. A printed
header replaces that entry, and `{}` leaves it unchanged.
"""

from __future__ import annotations

import json
import sys

from ml_intern_helpers.core import tokens


def main(arguments: list[str]) -> int:
    """Print one JSON object of HTTP headers; always returns 0, also without a token."""
    token = tokens.hf_token()
    sys.stdout.write(json.dumps({"Authorization": f"Bearer {token}"} if token else {}))
    return 0
