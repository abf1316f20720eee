"""Reads the PEP 723 block of a script: what a job installs, and the launch defaults under `[tool.hf-jobs]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from ml_intern_helpers.analysis.requirements import Requirement, parse_requirement
from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.jobs import HEADER_KEYS


class HeaderProblem(NamedTuple):
    """A reason why `uv` or the client refuses or ignores the block: an `unknown-key` under `[tool.hf-jobs]`, or `malformed`."""

    line: int
    kind: Literal["unknown-key", "malformed"]
    message: str


class Header(NamedTuple):
    """The block as `uv` and `hf jobs uv run` read it.

    Attributes:
        line: its first line; None when there is no block.
        end: its last line.
        requirements: its `dependencies`, parsed.
        requires_python: `requires-python` as written, or None.
        jobs: the table `[tool.hf-jobs]`; None when there is none.
        problems: the reasons why `uv` or the client refuses or ignores the block.
        lines: the source lines of the block.
        from_launch: key -> the option of a launch that overrides it (`--timeout 4h`).
    """

    line: int | None = None
    end: int | None = None
    requirements: tuple[Requirement, ...] = ()
    requires_python: str | None = None
    jobs: dict[str, Any] | None = None
    problems: tuple[HeaderProblem, ...] = ()
    lines: tuple[str, ...] = ()
    from_launch: Mapping[str, str] = MappingProxyType({})

    def line_with(self, *words: str) -> int | None:
        """The first line with all `words` (`"timeout", "="`), else the block's first line; None when a launch sets it."""
        if words and words[0] in self.from_launch:
            return None
        for offset, text in enumerate(self.lines):
            if self.line is not None and all(word in text for word in words):
                return self.line + offset
        return self.line

    def setting_text(self, key: str) -> str:
        """How a launch setting is written: `timeout = "4h"` in the block, or `--timeout 4h`."""
        value = (self.jobs or {}).get(key)
        return self.from_launch.get(key) or (f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value!r}")


def read_header(source: Source) -> Header:
    """The script's block; a broken one has `problems` instead of raising an exception."""
    blocks = _blocks(source.lines)
    if not blocks:
        opened = [number for number, line in enumerate(source.lines, start=1) if line.rstrip() == "# /// script"]
        unclosed = "the block `# /// script` is never closed by `# ///`: uv ignores it"
        return Header(problems=(HeaderProblem(opened[0], "malformed", unclosed),) if opened else ())
    start, lines = blocks[0]
    second = "a second `# /// script` block: uv refuses the file"
    problems = [HeaderProblem(line, "malformed", second) for line, _ in blocks[1:]]
    table: dict[str, Any] = {}
    import tomllib  # imported only for scripts with a block

    try:
        table = tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError) as err:  # a number with 4,300 digits raises a plain ValueError
        problems.append(HeaderProblem(start, "malformed", f"the block is not valid TOML: {clean(err, limit=120)}"))
    end = start + len(lines) + 1
    jobs = table.get("tool", {}).get("hf-jobs") if isinstance(table.get("tool"), dict) else None
    problems += _jobs_problems(jobs, start) if jobs is not None else []
    python = table.get("requires-python")
    return Header(
        line=start,
        end=end,
        requirements=_requirements(table, start, problems),
        requires_python=python if isinstance(python, str) else None,
        jobs=jobs if isinstance(jobs, dict) else None,
        problems=tuple(problems),
        lines=tuple(source.lines[start - 1 : end]),
    )


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """(first line, TOML lines) of every closed `script` block.

    As in the PEP's reference regex, a block ends at the last `# ///` of its run of comment lines.
    """
    blocks: list[tuple[int, list[str]]] = []
    index = 0
    while index < len(lines):
        start, end = index, 0
        index += 1
        if lines[start] == "# /// script":
            while index < len(lines) and (lines[index] == "#" or lines[index].startswith("# ")):
                end = index if lines[index] == "# ///" else end
                index += 1
            if end:
                blocks.append((start + 1, [line.removeprefix("#").removeprefix(" ") for line in lines[start + 1 : end]]))
            index = end + 1 if end else start + 1
    return blocks


def _requirements(table: dict[str, Any], start: int, problems: list[HeaderProblem]) -> tuple[Requirement, ...]:
    listed = table.get("dependencies", [])
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        problems.append(HeaderProblem(start, "malformed", "dependencies must be a list of strings"))
        return ()
    requirements = []
    for text in listed:
        requirement = parse_requirement(text)
        if requirement is None:
            message = f"dependency {clean(text, limit=60)!r} is not a valid requirement"
            problems.append(HeaderProblem(start, "malformed", message))
        else:
            requirements.append(requirement)
    return tuple(requirements)


def _jobs_problems(jobs: object, line: int) -> Iterator[HeaderProblem]:
    """The problems for which `hf jobs uv run` refuses the table."""
    if not isinstance(jobs, dict):
        yield HeaderProblem(line, "malformed", "[tool.hf-jobs] must be a table")
        return
    for key in jobs:
        if key not in HEADER_KEYS:
            yield HeaderProblem(line, "unknown-key", f"[tool.hf-jobs] has no key {clean(key, limit=40)!r}")
    for key, demanded in HEADER_KEYS.items():
        if key in jobs and not _FITS[demanded](jobs[key]):
            yield HeaderProblem(line, "malformed", f"[tool.hf-jobs] {key} must be {demanded}")


def _texts_only(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


#: A kind of value in `HEADER_KEYS` -> a test for it.
_FITS: dict[str, Callable[[Any], bool]] = {
    "a string": lambda value: isinstance(value, str),
    "a duration": lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
    "a list of strings": lambda value: isinstance(value, list) and _texts_only(value),
    "a table of strings": lambda value: isinstance(value, dict) and _texts_only(value.values()),
}
