"""Finds the modules beside the script whose constants it imports; the imports of these modules are not followed."""

from __future__ import annotations

import os
from pathlib import Path

from ml_intern_helpers.analysis.script import Script, walk
from ml_intern_helpers.analysis.source import MAX_SCRIPT_BYTES, read_source
from ml_intern_helpers.core.errors import BadData, NotFound


def neighbour(script: Script, module: str) -> Script | None:
    """The walked module `module` (`settings`, `.settings`, `package.settings`) beside `script`; None when none can be read.

    A module found this way has no neighbours of its own, so modules that import each other cannot loop.
    """
    if script.is_neighbour:
        return None
    return script.once(f"neighbour {module}", script.source.tree, lambda: _read(script, module))


def _read(script: Script, module: str) -> Script | None:
    parts = module.lstrip(".").split(".")
    if module.startswith("..") or not all(part.isidentifier() for part in parts):
        return None
    stem = script.source.path.parent.joinpath(*parts)
    try:
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file() and path.stat().st_size <= MAX_SCRIPT_BYTES and os.access(path, os.R_OK):
                module_script = walk(read_source(path))
                module_script.is_neighbour = True
                return module_script
    except (OSError, BadData, NotFound, RecursionError):  # an unreadable module provides no values
        pass
    return None


def beside(script: Path, name: str) -> bool:
    """Whether a module `name` exists beside the script."""
    folder = script.parent
    try:
        return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    except (OSError, ValueError):
        return False
