"""Modules that lie beside a script: they win over installed ones of the same name."""

from __future__ import annotations

from pathlib import Path


def beside(script: Path, name: str) -> bool:
    """A module `name` lies beside the script."""
    folder = script.parent
    try:
        return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    except (OSError, ValueError):
        return False
