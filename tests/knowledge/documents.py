"""The texts Claude reads, taken apart: frontmatter, code blocks, command lines, mentions of files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.helpers import ROOT

SKILL = ROOT / "skills/ml-intern"
SKILL_MD = SKILL / "SKILL.md"
REFERENCES = sorted((SKILL / "references").glob("*.md"))
COMMANDS = sorted((ROOT / "commands").glob("*.md"))
AGENTS = sorted((ROOT / "agents").glob("*.md"))
ENTRIES = [SKILL_MD, *COMMANDS, *AGENTS]
ALL = [*ENTRIES, *REFERENCES]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it starts, its language ("" when none is named), its text."""

    path: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def label(path: Path) -> str:
    """A test id."""
    return str(path.relative_to(ROOT))


def frontmatter(path: Path) -> dict[str, Any]:
    """The YAML between the two `---` lines at the very start."""
    text = path.read_text(encoding="utf-8")
    found = re.match(r"---\n(.*?)\n---\n", text, re.S)
    assert found, f"{path} has no frontmatter"
    loaded = yaml.safe_load(found[1])
    assert isinstance(loaded, dict), path
    return loaded


def body(path: Path) -> str:
    """The text below the frontmatter."""
    return re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.S)


def blocks(path: Path, language: str | None = None) -> Iterator[Block]:
    """The fenced blocks, all or those of one language."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if language is None or found[1] == language:
            yield Block(path, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def command_lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, words) of each command in a bash block, and of each backticked `hf …`, `trackio …`, `accelerate …`, `trl …` that has arguments."""
    for block in blocks(path, "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield block.where, shlex.split(line, comments=True)
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for found in re.finditer(r"`((?:hf|trackio|accelerate|trl) [^`…]+)`", prose):
        yield f"{label(path)}: `{found[1]}`", shlex.split(found[1])
