"""The line of code that loads what was looked at."""

from __future__ import annotations

from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.mapping.code import quoted
from ml_intern_helpers.dataset.splits import SplitChoice


def load_line(ref: DatasetRef, choice: SplitChoice) -> str:
    """The line that loads this split with `datasets`."""
    config = "" if choice.config == "default" else f", {quoted(choice.config)}"
    revision = f", revision={quoted(ref.revision)}" if ref.revision else ""
    return f"dataset = load_dataset({quoted(ref.name)}{config}, split={quoted(choice.split)}{revision})"
