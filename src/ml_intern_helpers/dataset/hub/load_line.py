"""The line of code that loads what was looked at."""

from __future__ import annotations

from ml_intern_helpers.dataset.choice import Choice
from ml_intern_helpers.dataset.mapping.code import quoted
from ml_intern_helpers.dataset.target import Asked


def load_line(asked: Asked, choice: Choice) -> str:
    """The line that loads this split with `datasets`."""
    config = "" if choice.config == "default" else f", {quoted(choice.config)}"
    revision = f", revision={quoted(asked.revision)}" if asked.revision else ""
    return f"dataset = load_dataset({quoted(asked.name)}{config}, split={quoted(choice.split)}{revision})"
