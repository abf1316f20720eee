"""Hyper-parameters from a paper's tables, with the parameters in rows or in columns, and from its listings of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ml_intern_helpers.papers.reading.document import Block, Cell, Document, Grid, Section
from ml_intern_helpers.papers.recipe import scopes
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.plain import plain
from ml_intern_helpers.papers.recipe.settings import Place, Setting, facts, holds_value, parameter_of

#: Tables that measure something else than training.
_NOT_TRAINING = re.compile(
    r"\b(?:latency|throughput|inference (?:time|speed|cost)|memory (?:usage|footprint|consumption)|statistics)\b", re.IGNORECASE
)
_STATISTIC = re.compile(r"(?:mean|avg\.?|average|std\.?(?: dev\.?)?|median|count|min|max|\d\d%)", re.IGNORECASE)
#: Heads that say nothing of what a value holds for.
_EMPTY_HEAD = re.compile(
    r"\W*|(?:the )?(?:hyper-?|training )?(?:param\w*|values?|settings?|config\w*|options?|arguments?|used)\W*", re.IGNORECASE
)
_NUMBER = re.compile(r"[\d.,%×^e+\-\s]+[kKMBT]?")
_LINE = re.compile(
    r"\s*(?:-{1,2})?(?P<name>[A-Za-z][\w.\- ]{0,60}?)\s*(?:[:=]|\s(?=\S+$))\s*(?P<value>[^#]{1,60}?)\s*,?\s*(?:#.*)?$"
)
#: Lines of one listing that are looked at, at most.
_LONGEST = 300


def from_tables(document: Document) -> Iterator[Fact]:
    """The settings of all tables and listings, in reading order."""
    for titles, section, block in _placed(document.sections, ()):
        heads = (block.caption, *titles) if block.caption else titles
        place = Place(section.name, block.label or block.kind, heads, scopes.aside(heads[:2]))
        for setting in [*_of_tables(block, titles[0]), *_of_listing(block, titles[0])]:
            yield from facts(setting, place)


def _placed(sections: Sequence[Section], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Section, Block]]:
    """Every block with its section and the headings above it, the innermost first."""
    for section in sections:
        titles = (section.title, *above)
        for block in section.blocks:
            yield titles, section, block
        yield from _placed(section.parts, titles)


def _of_tables(block: Block, title: str) -> Iterator[Setting]:
    if _NOT_TRAINING.search(block.caption or ""):
        return
    words = " ".join(cell.text for grid in block.grids for row in grid for cell in row)
    near = plain(f"{title} {block.caption or ''} {words}"[:6000]).text
    for grid in block.grids:
        if sum(bool(_STATISTIC.fullmatch(cell.text)) for cell in grid[0]) < 2:
            ways = [[each for each in way(grid, near) if holds_value(each)] for way in (_by_rows, _by_columns)]
            yield from max(ways, key=len)


def _row(row: Sequence[Cell]) -> str:
    """A row as the Markdown of the table has it, without the bars at its ends."""
    return " | ".join("" if cell.repeated else cell.text for cell in row).strip(" |")


def _words(cells: Sequence[Cell]) -> list[str]:
    """The different texts of some cells, in order."""
    return list(dict.fromkeys(cell.text for cell in cells if cell.text))


def _group(row: Sequence[Cell], near: str) -> str | None:
    """The text of a row that heads the rows below it: one text, and no parameter or number."""
    words = _words(row)
    if len(words) != 1 or len(row) < 2 or parameter_of(words[0], near) or not re.search(r"[A-Za-z]{2}", words[0]):
        return None
    return words[0] if len(words[0]) <= 60 else None


def _by_rows(grid: Grid, near: str) -> Iterator[Setting]:
    """`Learning rate | 1e-5 | 5e-6` below `| SFT | DPO`; a row may hold several such pairs side by side."""
    first = next((number for number, row in enumerate(grid) if any(parameter_of(cell.text, near) for cell in row)), 0)
    # Below the first row only those are heads that name nothing of their own at their start.
    heads = [row for row in grid[: min(first, 3)] if _group(row, near) is None and row[0].text in ("", grid[0][0].text)]
    group: str | None = None
    for row in grid:
        found = list(_of_row(row, heads, group, near))
        group = group if found else _group(row, near) or group
        yield from found


def _of_row(row: Sequence[Cell], heads: Sequence[Sequence[Cell]], group: str | None, near: str) -> Iterator[Setting]:
    name, title, start = None, "", 0
    lead: list[str] = []
    for column, cell in enumerate(row):
        found = None if cell.repeated and name else parameter_of(cell.text, near)
        if found:
            name, title, start = found, cell.text, column
        elif name is None:
            lead += [cell.text] if cell.text and not _NUMBER.fullmatch(cell.text) else []
        elif cell.text and not (cell.repeated and row[column - 1].text == cell.text):
            width = _width(row, column)
            for_all = width > 1 and column == start + 1 and column + width == len(row)
            above = [] if for_all else _above(heads, column, width, near)
            context = ", ".join(dict.fromkeys([*([group] if group else []), *lead, *above]))[:120]
            yield Setting(name, title, cell.text, context or None, _row(row))


def _width(row: Sequence[Cell], column: int) -> int:
    """How many columns a value spans."""
    end = column + 1
    while end < len(row) and row[end].repeated and row[end].text == row[column].text:
        end += 1
    return end - column


def _above(heads: Sequence[Sequence[Cell]], column: int, width: int, near: str) -> list[str]:
    """What the heads of these columns say."""
    words = [word for head in heads for word in _words(head[column : column + width])]
    return [word for word in words if not _EMPTY_HEAD.fullmatch(word) and not parameter_of(word, near)][:4]


def _by_columns(grid: Grid, near: str) -> Iterator[Setting]:
    """`Model | LR | Batch size` above `7B | 1e-5 | 128`."""
    head = next((row for row in grid[:3] if any(parameter_of(cell.text, near) for cell in row)), None)
    if head is None:
        return
    names = [parameter_of(cell.text, near) for cell in head]
    named = [column for column, name in enumerate(names) if name]
    tried = named == [0]
    group: str | None = None
    for row in grid[grid.index(head) + 1 :]:
        if _group(row, near):
            group = _group(row, near)
            continue
        told = [row[column].text for column in range(named[0] or named[-1]) if not names[column]]
        told = [word for number, word in enumerate(told) if word and (not number or not _NUMBER.fullmatch(word))][:3]
        context = ", ".join([*([group] if group else []), *dict.fromkeys(told)])[:120] or None
        for column in named:
            title, cell = head[column], row[column]
            if cell.text:
                yield Setting(names[column] or "", title.text, cell.text, context, f"{title.text} … {_row(row)}", tried)


def _of_listing(block: Block, title: str) -> Iterator[Setting]:
    """`learning_rate: 1e-6` or `--lr 1e-6`, line by line; what is commented out is not in use."""
    if block.kind != "code" or block.grids:
        return
    near = plain(f"{title} {block.caption or ''} {block.text}"[:6000]).text
    for line in block.text.splitlines()[:_LONGEST]:
        match = None if line.lstrip().startswith(("#", "//", "%")) else _LINE.fullmatch(line)
        if match:
            called = re.sub(r"[_-]+", " ", match["name"].rpartition(".")[2]).strip()
            name = parameter_of(called, near) or parameter_of(match["name"], near)
            if name:
                yield Setting(name, called, match["value"], None, line.strip())
