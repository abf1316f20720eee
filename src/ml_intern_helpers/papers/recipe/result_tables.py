"""Results in tables: rows under benchmark names, of which the values set in bold and the rows called "ours" are given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Cell, Document, Grid, Section
from ml_intern_helpers.papers.recipe.doing import BENCHMARK
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.plain import plain

_SCORE = re.compile(r"-?\d{1,4}(?:\.\d{1,3})?\s*%?(?:\s*(?:±|\\pm)\s*[\d.]+)?")
_OURS = re.compile(r"\bours?\b|\(ours\)|†ours", re.IGNORECASE)
MOST = 40


def results(document: Document) -> Iterator[Fact]:
    """Marked values of all tables that have benchmarks for heads."""
    for section, block in document.blocks():
        for grid in block.grids if section.kind != "references" else ():
            yield from list(_of_grid(grid, section, block))[:MOST]


def _of_grid(grid: Grid, section: Section, block: Block) -> Iterator[Fact]:
    heads = [[cell.text for cell in row] for row in grid[:3]]
    columns = [column for column in range(len(grid[0])) if any(BENCHMARK.search(row[column]) for row in heads)]
    if not columns:
        return
    for row in grid[1:]:
        label = next((cell.text for cell in row if cell.text and not _score(cell)), "")
        ours = bool(_OURS.search(label))
        for column in columns:
            if _score(row[column]) and (ours or row[column].bold):
                yield _fact(
                    row[column],
                    label,
                    " ".join(dict.fromkeys(filter(None, (head[column] for head in heads if not _SCORE.fullmatch(head[column]))))),
                    section,
                    block,
                )


def _score(cell: Cell) -> bool:
    return bool(_SCORE.fullmatch(plain(cell.text).text.strip()))


def _fact(cell: Cell, label: str, head: str, section: Section, block: Block) -> Fact:
    name = block.label or "table"
    mark = "bold" if cell.bold else "the authors' row"
    value = plain(cell.text).text.strip()
    said = clean(f"{label} | {head}: {cell.text} [{mark}]" + (f" — {block.caption}" if block.caption else ""), limit=260)
    return Fact(
        "result", value, cell.text, said, section.name, context=f"{clean(head, limit=60)}, {clean(label, limit=60)}", label=name
    )
