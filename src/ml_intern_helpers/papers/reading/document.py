"""Defines a paper's text as a tree of sections with cleaned blocks of Markdown, and cuts it into pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

SectionKind = Literal["abstract", "section", "appendix", "references", "other"]
BlockKind = Literal["text", "item", "equation", "table", "figure", "code", "footnote", "reference"]
Source = Literal["arxiv-html", "ar5iv", "pdf"]
#: The names of the sources in a report.
SOURCE_NAMES: dict[Source, str] = {"arxiv-html": "arXiv HTML", "ar5iv": "ar5iv HTML", "pdf": "PDF text"}


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: Markdown on one line.
        heading: whether the page marks it as a heading of its row or column.
        bold: whether all of its text is bold, which authors use for the best value.
        repeated: whether it is the continuation of a cell that spans several rows or columns.
    """

    text: str
    heading: bool = False
    bold: bool = False
    repeated: bool = False


Grid = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Block:
    """A paragraph, list item, formula, table, figure …

    Attributes:
        text: Markdown; that of a table or figure includes the caption.
        label: `Table 2`, `Figure 1`, `Algorithm 1`, `Footnote 3`, or None.
        caption: the caption of a table or figure, without its label.
        grids: the cells of a table block, one grid for each table in the figure.
    """

    kind: BlockKind
    text: str
    label: str | None = None
    caption: str | None = None
    grids: tuple[Grid, ...] = ()


@dataclass
class Section:
    """A part of the paper with its own heading.

    Attributes:
        number: `3`, `3.2`, `A.1`; None for a section without a number.
        level: 1 for a section, 2 for a subsection, …
        blocks: its blocks before the first subsection.
        parts: its subsections.
    """

    title: str
    number: str | None = None
    kind: SectionKind = "section"
    level: int = 1
    blocks: list[Block] = field(default_factory=list)
    parts: list[Section] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`3.2 Training details`, or the title alone."""
        return f"{self.number} {self.title}" if self.number else self.title

    def walk(self) -> Iterator[Section]:
        """This section and all below it, in reading order."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def markdown(self) -> str:
        """The section with its heading and all below it."""
        texts = []
        for section in self.walk():
            texts.append(f"{'#' * min(section.level + 1, 6)} {section.name}")
            texts += [block.text for block in section.blocks]
        joined = ""
        for text in texts:  # an empty line between blocks; items of one list stay together
            tight = text.lstrip(" ").startswith("- ") and joined.rpartition("\n")[2].lstrip(" ").startswith("- ")
            joined += ("\n" if tight else "\n\n") * bool(joined) + text
        return joined

    @property
    def characters(self) -> int:
        return len(self.markdown())


@dataclass
class Document:
    """A paper.

    Attributes:
        arxiv_id: the id without version.
        version: the version that was read; None when the page does not say.
        source: the source of the text.
        url: the address that was read.
        notes: what is missing or doubtful in the text, one line each.
        links: addresses that the text links to, in order of appearance.
    """

    arxiv_id: str
    title: str
    source: Source
    url: str
    version: int | None = None
    sections: list[Section] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[Section]:
        for section in self.sections:
            yield from section.walk()

    def blocks(self) -> Iterator[tuple[Section, Block]]:
        """Every block with the section it stands in."""
        for section in self.walk():
            for block in section.blocks:
                yield section, block

    @property
    def characters(self) -> int:
        return sum(section.characters for section in self.sections)


def restored(stored: dict[str, Any]) -> Document:
    """The document from its `dataclasses.asdict`, after a round trip through JSON."""

    def block(stored: dict[str, Any]) -> Block:
        grids = tuple(tuple(tuple(Cell(**cell) for cell in row) for row in grid) for grid in stored["grids"])
        return Block(**{**stored, "grids": grids})

    def section(stored: dict[str, Any]) -> Section:
        blocks, parts = [block(each) for each in stored["blocks"]], [section(each) for each in stored["parts"]]
        return Section(**{**stored, "blocks": blocks, "parts": parts})

    return Document(**{**stored, "sections": [section(each) for each in stored["sections"]]})


#: Characters of a page: the default, the minimum and the maximum.
CHARACTERS, FEWEST, MOST = 6000, 500, 40_000


def page(text: str, start: int, most: int) -> tuple[str, int | None]:
    """At most `most` characters of `text` from `start`, and where the next page starts; None on the last."""
    rest = text[start:]
    if len(rest) <= most:
        return rest, None
    for mark in ("\n\n", "\n", ". ", " "):
        cut = rest.rfind(mark, most // 2, most)
        if cut > 0:
            cut += mark == ". "
            next_start = len(rest) - len(rest[cut:].lstrip("\n "))
            return rest[:cut].rstrip(), start + next_start
    return rest[:most], start + most
