"""Parses PEP 508 requirements, and reads those that the project files beside a script list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(.*)", re.DOTALL)
_CLAUSE = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*v?([0-9][0-9A-Za-z.*+!-]*)\s*")
_CLAUSES = r"\(?(?:(?:===|~=|==|!=|<=|>=|<|>)\s*v?[0-9][0-9A-Za-z.*+!_-]*\s*,?\s*)*\)?"
_MARKER = r"(?:;[^;\n]*\b(?:python_|sys_platform|platform_|os_name|implementation_|extra)[^;\n]*)?"
_WHOLE = re.compile(
    rf"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[A-Za-z0-9._, -]*\])?\s*(?:@\s*[^\s;]+\s*|{_CLAUSES}){_MARKER}|(?:\w[\w+]*://|\.{{0,2}}/)\S+"
)
_LONGEST = 1000
_SEPARATORS = re.compile(r"[-_.]+")
_MAX_FILE_BYTES = 16 * 1024 * 1024
_LOCKED = re.compile(r'^\[\[package\]\]\nname = "([^"\n]+)"\nversion = "([^"\n]+)"', re.MULTILINE)


class Requirement(NamedTuple):
    """One requirement: normalised name, extras, version clauses as (operator, version), and its text."""

    name: str
    extras: frozenset[str]
    clauses: tuple[tuple[str, str], ...]
    text: str

    @property
    def exact(self) -> str | None:
        """The only release that it admits (`trl==1.2.3`), or None."""
        return next((version for operator, version in self.clauses if operator in ("==", "===") and "*" not in version), None)

    @property
    def url(self) -> bool:
        """It names a URL (`trl @ git+https://…`), not a release."""
        return "@" in self.text.split(";")[0]

    def admits(self, release: str) -> bool:
        """Whether `release` satisfies every clause; True when there is no clause."""
        return all(_admits(operator, version, release) for operator, version in self.clauses)


def normal_name(name: str) -> str:
    """`Flash_Attn` -> `flash-attn`."""
    return _SEPARATORS.sub("-", name).lower()


def is_requirement(text: str) -> bool:
    """Whether uv or pip accepts the text: a name with clauses or a URL, or a URL or path alone."""
    return _WHOLE.fullmatch(text.strip()) is not None and len(text) <= _LONGEST


def parse_requirement(text: str) -> Requirement | None:
    """The parsed requirement; None when `text` is not one (`-r file`, an empty line)."""
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        return None
    name, extras, rest = match.groups()
    clauses = _CLAUSE.findall(rest.split(";")[0]) if not rest.lstrip().startswith("@") else []
    names = frozenset(normal_name(extra.strip()) for extra in (extras or "").split(",") if extra.strip())
    return Requirement(normal_name(name), names, tuple(clauses), text.strip())


def _admits(operator: str, version: str, release: str) -> bool:
    wanted, offered = _numbers(version), _numbers(release)
    prefix = wanted[: -1 if operator == "~=" else None]
    if operator in ("==", "!=") and version.endswith(".*"):
        return (offered[: len(wanted)] == wanted) is (operator == "==")
    width = max(len(wanted), len(offered))
    padded, other = (numbers + (0,) * (width - len(numbers)) for numbers in (wanted, offered))
    return {
        "==": padded == other,
        "===": version == release,
        "!=": padded != other,
        "<": other < padded,
        "<=": other <= padded,
        ">": other > padded,
        ">=": other >= padded,
        "~=": other >= padded and offered[: len(prefix)] == prefix,
    }[operator]


def _numbers(version: str) -> tuple[int, ...]:
    """The release numbers, without a suffix (`rc1`, `+cu124`), which no comparison here needs."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part[:9]) for part in match.group().split(".")) if match else ()


def project_demands(script: Path) -> list[tuple[Requirement, str]]:
    """(requirement, file name) from the first of the files in `_READERS` beside the script that lists any."""
    for name, read in _READERS.items():
        path = script.parent / name
        try:
            if not path.is_file() or path.stat().st_size > _MAX_FILE_BYTES:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            continue
        demands = [(parsed, name) for line in read(text) if (parsed := parse_requirement(line))]
        if demands:
            return demands
    return []


def _lock(text: str) -> Iterator[str]:
    """The requirements in `uv.lock`; read by a pattern, because a TOML parser needs a second per megabyte."""
    versions: dict[str, set[str]] = {}
    for name, version in _LOCKED.findall(text.replace("\r\n", "\n")):
        versions.setdefault(name, set()).add(version)
    for name, locked in versions.items():
        yield f"{name}=={next(iter(locked))}" if len(locked) == 1 else f"{name}!={'.*,!='.join(sorted(locked))}.*"


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


#: File name -> its reader; files with exact versions come first.
_READERS = {"uv.lock": _lock, "requirements.lock": _lines, "requirements.txt": _lines, "pyproject.toml": _pyproject}
