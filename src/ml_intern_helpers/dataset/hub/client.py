"""Manners for the Hub's own client libraries, which the fallbacks use: no reports about the user, no bars."""

from __future__ import annotations

import os


def prepare() -> None:
    """Set before the first import of `huggingface_hub`: it asks the Hub for a list of agents and names ours otherwise."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
