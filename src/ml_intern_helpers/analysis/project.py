"""The requirements of a project, from the files beside a script: a lock, else a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ml_intern_helpers.analysis.requirements import Requirement, parse_requirement

_MOST_BYTES = 16 * 1024 * 1024
_LOCKED = re.compile(r'^\[\[package\]\]\nname = "([^"\n]+)"\nversion = "([^"\n]+)"', re.MULTILINE)


def project_demands(script: Path) -> list[tuple[Requirement, str]]:
    """(requirement, file name) from the first of these files that lies beside the script."""
    for name, read in _READERS.items():
        text = _text(script.parent / name)
        found = [(parsed, name) for line in read(text) if (parsed := parse_requirement(line))] if text else []
        if found:
            return found
    return []


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def _lock(text: str) -> Iterator[str]:
    """`uv.lock`; by a pattern, because a TOML parser takes a second for a megabyte."""
    versions: dict[str, set[str]] = {}
    for name, version in _LOCKED.findall(text.replace("\r\n", "\n")):
        versions.setdefault(name, set()).add(version)
    for name, several in versions.items():
        yield f"{name}=={next(iter(several))}" if len(several) == 1 else f"{name}!={'.*,!='.join(sorted(several))}.*"


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        plain = line.split(" #")[0].split(" --")[0].strip().rstrip("\\").strip()
        if plain and not plain.startswith(("#", "-", "[")):
            yield plain


def _pyproject(text: str) -> Iterator[str]:
    import tomllib

    try:
        project = tomllib.loads(text).get("project", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    listed = project.get("dependencies", []) if isinstance(project, dict) else []
    yield from (item for item in listed if isinstance(item, str)) if isinstance(listed, list) else ()


#: Exact ones first.
_READERS = {
    "uv.lock": _lock,
    "requirements.lock": _lines,
    "requirements.txt": _lines,
    "pyproject.toml": _pyproject,
}
