"""Reads hyper-parameters from tables and listings: `Learning rate | 1e-5`, `Model | LR` above `7B | 1e-5`, `lr: 1e-6`.

A value is given where its row has exactly one, or one for each stage of training. Other rows are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.reading.document import Block, Cell, Document, Grid, Section
from ml_intern_helpers.papers.recipe import stages
from ml_intern_helpers.papers.recipe.parameters import CHOICES, PARAMETERS
from ml_intern_helpers.papers.recipe.sentences import QUOTE, Fact, numbers, plain
from ml_intern_helpers.papers.recipe.statements import ASIDE, Claim, qualifier, value_of

#: Captions of tables that are not about training.
_NOT_TRAINING = re.compile(
    r"(?i)\b(?:latency|throughput|inference (?:time|speed|cost)|memory (?:usage|footprint|consumption|cost)|statistics"
    r"|pricing|price)\b"
)
_STATISTIC = re.compile(r"(?i)(?:mean|avg\.?|average|std\.?(?: dev\.?)?|median|count|min|max|\d\d%)")
#: A cell that does not say what the values below or beside it apply to.
_EMPTY = re.compile(
    r"(?i)\W*|(?:the )?(?:hyper-?|training )?(?:param\w*|values?|settings?|config\w*|options?|arguments?|used"
    r"|description|/|\s)*\W*"
)
_TRIED = re.compile(r"(?i)search|sweep|grid|range|candidates|tried|space")
#: What may follow the name in a cell of a head: a unit, a symbol.
_TRAIL = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\]|:|↑|↓)\s*$")
_LINE = re.compile(
    r"\s*(?:-{1,2})?(?P<name>[A-Za-z][\w.\- ]{0,60}?)\s*(?:[:=]|\s(?=\S+$))\s*(?P<value>[^#]{1,60}?)\s*,?\s*(?:#.*)?$"
)
#: Lines of one listing that are read, at most.
_LONGEST = 300


def from_tables(document: Document) -> Iterator[Claim]:
    """The claims of all tables and listings, in reading order."""
    yield from _below(document.sections, (), False)


def _below(sections: Sequence[Section], above: tuple[str, ...], others: bool) -> Iterator[Claim]:
    for section in sections:
        titles = (section.title, *above)
        about_others = others or section.kind == "references"
        for block in section.blocks if not about_others else ():
            place = _Place(section.name, block, titles)
            if block.kind == "code" and not block.grids:
                yield from _of_listing(block, place)
            elif not _NOT_TRAINING.search(block.caption or ""):
                for grid in block.grids:
                    if sum(bool(_STATISTIC.fullmatch(cell.text)) for cell in grid[0]) < 2:
                        yield from max((list(read(grid, place)) for read in (_by_rows, _by_columns)), key=len)
        yield from _below(section.parts, titles, about_others)


class _Place:
    """The place of a table or listing, and the words around it that name its subject and stage of training."""

    def __init__(self, section: str, block: Block, titles: tuple[str, ...]) -> None:
        words = " ".join(cell.text for grid in block.grids for row in grid for cell in row)
        self.section, self.label = section, block.label or block.kind
        self.titles = (block.caption, *titles) if block.caption else titles
        self.near = plain(f"{titles[0]} {block.caption or ''} {words or block.text}"[:6000]).text
        self.aside = any(ASIDE.search(title) for title in self.titles[:2])
        self.tried = bool(_TRIED.search(block.caption or ""))

    def claim(self, name: str, title: str, value: str, said: str, heads: Sequence[str], certain: bool) -> Claim | None:
        """The claim of one cell; None where it holds no value of the parameter."""
        found, unit, sure = value_of(name, value, title)
        if not found:
            return None
        stage = stages.of_titles((title, *heads, *self.titles), name)
        given = certain and sure and not (self.aside or self.tried)
        fact = Fact(
            name,
            found[0] if given else None,
            value,
            clean(said, limit=QUOTE),
            self.section,
            ("none" if found[0] is None else "set") if given else "quoted",
            unit if given else None,
            qualifier(name, title) if given else None,
            self.label,
            stage,
        )
        return Claim(
            fact,
            4 - self.aside - self.tried - (not certain),
            False,
            tuple(found) if sure and not (given or self.aside or self.tried) else (),
        )


@lru_cache(maxsize=4096)
def parameter_of(text: str, near: str) -> str | None:
    """The parameter or choice of a cell that holds nothing but its name."""
    bare = re.sub(r"^\W*(?:the\s+)?", "", plain(text).text.strip(), flags=re.IGNORECASE)
    if not bare or len(bare) > 60 or next(numbers(re.sub(r"\b[lL]2\b", "", bare)), None):
        return None
    for candidate in (bare.strip(), _TRAIL.sub("", bare).strip(), bare.replace("_", " ").strip()):
        for parameter in PARAMETERS:
            named = parameter.mention.fullmatch(candidate) or (parameter.cell and parameter.cell.fullmatch(candidate))
            refused = parameter.unless and parameter.unless.search(near)
            if named and not refused and (not parameter.needs or parameter.needs.search(near)):
                return parameter.name
        for choice in CHOICES:
            if choice.cell.fullmatch(candidate):
                return choice.name
    return None


def _row(row: Sequence[Cell]) -> str:
    """A row as the Markdown of the table has it, without the bars at its ends."""
    return " | ".join("" if cell.repeated else cell.text for cell in row).strip(" |")


def _words(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.text for cell in cells if cell.text))


def _heads_group(row: Sequence[Cell], near: str) -> str | None:
    """The text of a row that heads the rows below it: one text, and no parameter or number."""
    words = _words(row)
    if len(words) != 1 or len(row) < 2 or parameter_of(words[0], near) or not re.search(r"[A-Za-z]{2}", words[0]):
        return None
    return words[0] if len(words[0]) <= 60 else None


def _by_rows(grid: Grid, place: _Place) -> Iterator[Claim]:
    """`Learning rate | 1e-5 | 5e-6` below `| SFT | DPO`; a row may hold several such pairs side by side."""
    near = place.near
    first = next((number for number, row in enumerate(grid) if any(parameter_of(cell.text, near) for cell in row)), 0)
    heads = [row for row in grid[: min(first, 3)] if _heads_group(row, near) is None]
    group: str | None = None
    for row in grid:
        pairs = list(_pairs(row, near))
        if not pairs:
            yield from _worth_quoting(row, place)
        group = group if pairs else _heads_group(row, near) or group
        lead = [cell.text for cell in row[: pairs[0][1]] if cell.text] if pairs else []
        for name, start, columns in pairs:
            above = {
                column: [head[column].text for head in heads if not _EMPTY.fullmatch(head[column].text)] for column in columns
            }
            texts = {row[column].text for column in columns}
            staged = len({stages.of_titles(above[column], name) for column in columns} - {None}) == len(columns)
            # Words beside the value under a heading of their own (`Description`) are no second value.
            single = len(texts) == 1 or sum(bool(value_of(name, text, row[start].text)[0]) for text in texts) == 1
            for column in columns if len(texts) > 1 else columns[:1]:
                context = [*above[column], *lead, *([group] if group else [])]
                claim = place.claim(name, row[start].text, row[column].text, _row(row), context, single or staged)
                if claim:
                    yield claim


def _worth_quoting(row: Sequence[Cell], place: _Place) -> Iterator[Claim]:
    """Quotes of a row whose first cell says more than a parameter's name: `Temperature in beam search | 0.7`."""
    title = plain(row[0].text).text
    for parameter in PARAMETERS:
        if parameter.mention.search(title) and parameter.meant(title, place.near):
            texts = [cell.text for cell in row[1:] if cell.text]
            claim = place.claim(parameter.name, row[0].text, texts[0], _row(row), (), False) if texts else None
            if claim:
                yield claim


def _pairs(row: Sequence[Cell], near: str) -> Iterator[tuple[str, int, list[int]]]:
    """The parameters that a row names, each with the column of its name and those of its values."""
    name, start, columns = None, 0, list[int]()
    for column, cell in enumerate(row):
        found = None if cell.repeated and name else parameter_of(cell.text, near)
        if found:
            if name and columns:
                yield name, start, columns
            name, start, columns = found, column, []
        elif name and cell.text and not (cell.repeated and row[column - 1].text == cell.text):
            columns.append(column)
    if name and columns:
        yield name, start, columns


def _by_columns(grid: Grid, place: _Place) -> Iterator[Claim]:
    """`Model | LR | Batch size` above `7B | 1e-5 | 128`: given where there is one row, or each row is a stage."""
    near = place.near
    head = next((row for row in grid[:3] if any(parameter_of(cell.text, near) for cell in row)), None)
    if head is None:
        return
    names = [parameter_of(cell.text, near) for cell in head]
    rows = [row for row in grid[grid.index(head) + 1 :] if len(_words(row)) > 1]
    leads = [[cell.text for cell, name in zip(row, names, strict=True) if cell.text and not name][:2] for row in rows]
    for column, name in enumerate(names):
        if name:
            staged = [stages.of_titles(lead, name) for lead in leads]
            certain = len({row[column].text for row in rows}) == 1 or (None not in staged and len(set(staged)) == len(rows))
            for row, lead in zip(rows, leads, strict=True):
                said = f"{head[column].text} … {_row(row)}"
                claim = place.claim(name, head[column].text, row[column].text, said, lead, certain)
                if claim:
                    yield claim


def _of_listing(block: Block, place: _Place) -> Iterator[Claim]:
    """`learning_rate: 1e-6` or `--lr 1e-6`, line by line; what is commented out is not in use."""
    for line in block.text.splitlines()[:_LONGEST]:
        match = None if line.lstrip().startswith(("#", "//", "%")) else _LINE.fullmatch(line)
        if match:
            called = re.sub(r"[_-]+", " ", match["name"].rpartition(".")[2]).strip()
            name = parameter_of(called, place.near) or parameter_of(match["name"], place.near)
            claim = place.claim(name, called, match["value"], line.strip(), (), True) if name else None
            if claim:
                yield claim
