"""Prints the headers that the client sends to the Hugging Face MCP server: the token of `hf auth login`, or nothing.

The client takes HF_TOKEN out of this program's environment, so that case is covered by the `headers` line of `.mcp.json`;
what is printed here replaces that line, `{}` leaves it alone.
"""

from __future__ import annotations

import json
import sys

from ml_intern_helpers.core import tokens


def main(arguments: list[str]) -> int:
    """Print one JSON object of HTTP headers; always 0, a missing token is no failure."""
    token = tokens.hf_token()
    sys.stdout.write(json.dumps({"Authorization": f"Bearer {token}"} if token else {}))
    return 0
