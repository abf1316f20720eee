"""Where a project keeps what was agreed and what was launched: `.ml-intern/`, looked for as pre-flight looks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".ml-intern"
TASK = "task.json"
LEDGER = "runs.jsonl"


def task_path(*starts: Path) -> Path | None:
    """The nearest task file of the folders `starts` (a script's, then the working one), each up to its repository's root.

    What lies there under that name counts, whatever it is: a folder or a broken link is a fault to tell, not an absence.
    """
    return next((path for folder in _chain(starts) if os.path.lexists(path := folder / FOLDER / TASK)), None)


def home(*starts: Path) -> Path:
    """The `.ml-intern` folder that belongs to `starts`: beside the task file, else the nearest, else a new one in the first."""
    found = task_path(*starts)
    if found is not None:
        return found.parent
    existing = next((folder / FOLDER for folder in _chain(starts) if (folder / FOLDER).is_dir()), None)
    return existing or starts[0].absolute() / FOLDER


def _chain(starts: tuple[Path, ...]) -> Iterator[Path]:
    """Each folder with what is above it in its repository; nothing above it where there is no repository."""
    for start in starts:
        try:
            folder = start.resolve()
        except (OSError, RuntimeError):
            continue
        above = [folder, *folder.parents]
        roots = [index for index, one in enumerate(above) if os.path.lexists(one / ".git")]
        yield from above[: roots[0] + 1] if roots else above[:1]
