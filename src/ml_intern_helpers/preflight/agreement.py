"""What the user agreed to, for the rules that compare a script with it; the file itself is the business of `runs.contract`."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.runs.contract import Task, task_for


def agreement_for(script: Path) -> Task | None:
    """The nearest task file: beside the script, in the working folder, or above either up to the repository's root."""
    return task_for(script.parent, Path())
