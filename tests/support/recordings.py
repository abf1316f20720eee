"""Real responses of the services, kept outside the repository; a test that needs them skips where they are absent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.helpers import ROOT

SHARED = Path(os.environ.get("ML_INTERN_SHARED") or ROOT.parent / "shared")
FOLDER = SHARED / "recordings"


def recording(relative: str) -> Path:
    """The path of one recording, or a skip that says what is missing."""
    path = FOLDER / relative
    if not path.exists():
        pytest.skip(f"no shared recordings at {FOLDER}: set ML_INTERN_SHARED to run this test")
    return path


def http_recording(relative: str) -> dict[str, Any]:
    """The `response` of a `*.http.json` recording: {status, headers, body (text)}."""
    response: dict[str, Any] = json.loads(recording(relative).read_text(encoding="utf-8"))["response"]
    return response
