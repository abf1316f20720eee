"""What the user agreed to: `.ml-intern/task.json` of the project (docs/schemas/task.v1.json), as far as rules compare it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_intern_helpers.text import clean

NAME = Path(".ml-intern") / "task.json"
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Agreement:
    """The task file.

    Attributes:
        path: where it lies.
        values: its content; what has another type than the schema says is left out.
        problem: why it cannot be read, "" when it can.
    """

    path: Path
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    def part(self, name: str) -> dict[str, Any]:
        """An object in it (`hub`, `tracking`, `base_model`), empty when it is missing or no object."""
        found = self.values.get(name)
        return found if isinstance(found, dict) else {}


def agreement_for(script: Path) -> Agreement | None:
    """The nearest task file: beside the script, in the working folder, or above either up to the repository's root.

    A hook is told the project's folder besides: a command may have changed the working one.
    """
    for folder in _folders(script):
        path = folder / NAME
        try:
            if path.is_file():
                return _read(path)
        except OSError:
            continue
    return None


def _folders(script: Path) -> Iterator[Path]:
    """The script's folder, the working one, a hook's project, each with what is above it in its repository, if it is in one."""
    project = Path(os.environ.get("CLAUDE_PROJECT_DIR", ""))
    for start in (script.parent, Path(), *([project] if project.is_absolute() else [])):
        try:
            folder = start.resolve()
        except (OSError, RuntimeError):
            continue
        chain = [folder, *folder.parents]
        roots = [index for index, one in enumerate(chain) if (one / ".git").exists()]
        yield from chain[: roots[0] + 1] if roots else chain[:1]


def _read(path: Path) -> Agreement:
    try:
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
        values = json.loads(data)
    except (OSError, ValueError, RecursionError) as err:
        return Agreement(path, problem=clean(err, limit=120) or "not JSON")
    if not isinstance(values, dict) or values.get("schema") != "ml-intern/task/v1":
        return Agreement(path, problem='its "schema" is not "ml-intern/task/v1"')
    return Agreement(path, values)
