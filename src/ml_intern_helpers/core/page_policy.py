"""The Content-Security-Policy of the pages that helpers write: strangers' text stands in them, so nothing may run or load."""

from __future__ import annotations

import base64
import hashlib


def policy(style: str, script: str) -> str:
    """Nothing loads, nothing is sent, nothing runs; but for this very style and this very script."""
    return f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
