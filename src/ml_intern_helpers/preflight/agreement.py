"""What the user agreed to, for the rules that compare a script with it; the file itself is the business of `runs.contract`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ml_intern_helpers.runs.project_files import task_path

if TYPE_CHECKING:
    from ml_intern_helpers.runs.contract import Task


def agreement_for(script: Path) -> Task | None:
    """The nearest task file: beside the script, in the working folder, or above either up to the repository's root.

    A hook is told the project's folder besides: a command may have changed the working one.
    """
    project = Path(os.environ.get("CLAUDE_PROJECT_DIR", ""))
    path = task_path(script.parent, Path(), *([project] if project.is_absolute() else []))
    if path is None:
        return None
    from ml_intern_helpers.runs.contract import read_task

    return read_task(path)
