"""`--find`: the short passages of a paper that hold some words, each with its section."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Document, Grid
from ml_intern_helpers.papers.reading.tables import markdown

#: Characters around a hit.
AROUND = 160
MOST = 500
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[\w$(\"*`\[])")


@dataclass(frozen=True)
class Passage:
    """A hit with what stands around it; `where` is its section, `label` its table or figure."""

    where: str
    text: str
    label: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find(document: Document, words: str) -> tuple[list[Passage], str]:
    """The passages, and how they match: `phrase`, else `all words` of one paragraph, else nothing.

    Case, hyphens and line breaks do not matter, and a word matches the longer ones that it begins.
    """
    parts = re.findall(r"[^\s-]+", clean(words))
    if not parts:
        return [], "phrase"
    phrase = re.compile(r"[\s-]*".join(map(re.escape, parts)), re.IGNORECASE)
    found = list(_hits(document, [phrase]))
    if found or len(parts) == 1:
        return found, "phrase"
    return list(_hits(document, [re.compile(rf"\b{re.escape(part)}", re.IGNORECASE) for part in parts])), "all words"


def _hits(document: Document, patterns: list[re.Pattern[str]]) -> Iterator[Passage]:
    for section, block in document.blocks():
        if all(pattern.search(block.text) for pattern in patterns):
            for text in _pieces(block, patterns):
                yield Passage(section.name, text, block.label)


def _pieces(block: Block, patterns: list[re.Pattern[str]]) -> Iterator[str]:
    if not block.grids:
        yield from _windows(clean(block.text), patterns[0])
        return
    if block.caption and any(pattern.search(block.caption) for pattern in patterns):
        yield clean(block.caption, limit=MOST)
    for grid in block.grids:
        rows = _rows(grid, patterns)
        if rows:
            yield rows


def _rows(grid: Grid, patterns: list[re.Pattern[str]]) -> str:
    """The head of a table and its rows with a hit; all of it when the head is the hit."""
    head, *body = grid
    hit = [row for row in body if any(pattern.search(cell.text) for cell in row for pattern in patterns)]
    if not hit and any(pattern.search(cell.text) for cell in head for pattern in patterns):
        hit = body
    return shortened(markdown((head, *hit))) if hit else ""


def shortened(table: str) -> str:
    """Whole rows of a Markdown table, as many as a passage may hold."""
    lines = table.splitlines()
    while len("\n".join(lines)) > MOST * 2 and len(lines) > 3:
        lines.pop()
    left = len(table.splitlines()) - len(lines)
    return clean("\n".join(lines), limit=MOST * 3, keep_newlines=True) + (f"\n… {left} more rows" if left else "")


def _windows(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Stretches around the hits; hits that stand close together share one."""
    breaks = [0, *(match.end() for match in _BREAK.finditer(text)), len(text)]
    end = -1
    for match in pattern.finditer(text):
        if match.start() < end:
            continue
        start, end = _window(text, breaks, match.start(), match.end())
        yield "…" * (start > 0) + text[start:end].strip() + "…" * (end < len(text))


def _window(text: str, breaks: list[int], first: int, last: int) -> tuple[int, int]:
    """From the sentence's start, or a word's, to the sentence's end, or a word's."""
    start = breaks[bisect_right(breaks, first) - 1]
    end = breaks[min(bisect_left(breaks, last), len(breaks) - 1)]
    if first - start > AROUND:
        start = text.find(" ", first - AROUND, first) + 1 or first
    if end - last > AROUND:
        end = text.rfind(" ", last, last + AROUND)
        end = last + AROUND if end < 0 else end
    return start, end
