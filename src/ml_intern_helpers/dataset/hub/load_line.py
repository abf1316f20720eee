"""The line of code that loads what was looked at."""

from __future__ import annotations

from ml_intern_helpers.dataset.choice import Choice
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.mapping.code import quoted


def load_line(asked: DatasetRef, choice: Choice) -> str:
    """The line that loads this split with `datasets`."""
    config = "" if choice.config == "default" else f", {quoted(choice.config)}"
    revision = f", revision={quoted(asked.revision)}" if asked.revision else ""
    return f"dataset = load_dataset({quoted(asked.name)}{config}, split={quoted(choice.split)}{revision})"
