"""Reads hyper-parameters from tables and listings: `Learning rate | 1e-5`, `Model | LR` above `7B | 1e-5`, `lr: 1e-6`.

A value is set where its row (or column) holds exactly one, or one for each stage of training; other rows are only quoted.

The texts that say what a cell applies to stand on four levels, the innermost first: the headings of its column, the leading
cells of its row, a row that heads a group of rows, and the caption with the titles of the sections around it. `Claim` is in
`statements`, `Fact` in `sentences`.
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
from ml_intern_helpers.papers.recipe.statements import COMPARES_VARIANTS, Claim, qualifier, value_of

#: Captions of tables that are not about training.
_NOT_TRAINING = re.compile(
    r"(?i)\b(?:latency|throughput|inference (?:time|speed|cost)|memory (?:usage|footprint|consumption|cost)|statistics"
    r"|pricing|price)\b"
)
_STATISTIC = re.compile(r"(?i)(?:mean|avg\.?|average|std\.?(?: dev\.?)?|median|count|min|max|\d\d%)")
#: A heading that says nothing about the values below it, such as `Value` or `Hyper-parameter`.
_EMPTY = re.compile(
    r"(?i)\W*|(?:the )?(?:hyper-?|training )?(?:param\w*|values?|settings?|config\w*|options?|arguments?|used"
    r"|description|/|\s)*\W*"
)
_SEARCHED = re.compile(r"(?i)search|sweep|grid|range|candidates|tried|space")
#: What may follow a parameter's name in its cell: a unit, a symbol.
_TRAIL = re.compile(r"\s*(?:\([^()]*\)|\[[^\]]*\]|:|↑|↓)\s*$")
_LINE = re.compile(
    r"\s*(?:-{1,2})?(?P<name>[A-Za-z][\w.\- ]{0,60}?)\s*(?:[:=]|\s(?=\S+$))\s*(?P<value>[^#]{1,60}?)\s*,?\s*(?:#.*)?$"
)
#: Lines of one listing that are read, at most.
_MOST_LINES = 300
#: The score of a cell; each reason to doubt it takes one off.
_BASE_SCORE = 4


def from_tables(document: Document) -> Iterator[Claim]:
    """The claims of all tables and listings, in reading order."""
    yield from _below(document.sections, (), False)


def _below(sections: Sequence[Section], outer_titles: tuple[str, ...], in_references: bool) -> Iterator[Claim]:
    for section in sections:
        titles = (section.title, *outer_titles)
        is_reference = in_references or section.kind == "references"
        for block in section.blocks if not is_reference else ():
            place = _Place(section.name, block, titles)
            if block.kind == "code" and not block.grids:
                yield from _of_listing(block, place)
            elif not _NOT_TRAINING.search(block.caption or ""):
                for grid in block.grids:
                    # A head with two statistics (mean, std) belongs to a table of measurements.
                    if sum(bool(_STATISTIC.fullmatch(cell.text)) for cell in grid[0]) < 2:
                        # Read the table in both orientations; keep the one that gives more claims.
                        yield from max((list(read(grid, place)) for read in (_by_rows, _by_columns)), key=len)
        yield from _below(section.parts, titles, is_reference)


class _Place:
    """Where a table or listing stands, and the texts around its cells.

    Attributes:
        titles: its caption and the titles of the sections around it, the innermost first.
        surroundings: all of its words with caption and title, in which a parameter's `needs` are looked for.
        compares_variants: its caption or section is about ablations, baselines or the like.
        searched: its caption says that the values were tried, not used.
    """

    def __init__(self, section: str, block: Block, titles: tuple[str, ...]) -> None:
        words = " ".join(cell.text for grid in block.grids for row in grid for cell in row)
        self.section, self.label = section, block.label or block.kind
        self.titles = (block.caption, *titles) if block.caption else titles
        self.surroundings = plain(f"{titles[0]} {block.caption or ''} {words or block.text}"[:6000]).text
        self.compares_variants = any(COMPARES_VARIANTS.search(title) for title in self.titles[:2])
        self.searched = bool(_SEARCHED.search(block.caption or ""))

    def claim(self, name: str, title: str, value: str, row_text: str, headings: Sequence[str], certain_row: bool) -> Claim | None:
        """The claim of one cell; None where it holds no value of the parameter.

        Args:
            title: the cell that names the parameter.
            value: the text of the cell.
            row_text: the quote.
            headings: the texts of the three inner levels that apply to the cell.
            certain_row: no other cell of its row or column holds another value for the same stage.
        """
        values, unit, certain_cell = value_of(name, value, title)
        if not values:
            return None
        stage = stages.of_titles((title, *headings, *self.titles), name)
        doubted = self.compares_variants or self.searched
        certain = certain_row and certain_cell and not doubted
        fact = Fact(
            name,
            value=values[0] if certain else None,
            as_written=value,
            quote=clean(row_text, limit=QUOTE),
            section=self.section,
            kind=("none" if values[0] is None else "set") if certain else "quoted",
            unit=unit if certain else None,
            context=qualifier(name, title) if certain else None,
            label=self.label,
            stage=stage,
        )
        score = _BASE_SCORE - self.compares_variants - self.searched - (not certain_row)
        rivals = tuple(values) if certain_cell and not (certain or doubted) else ()
        return Claim(fact, score=score, about_others=False, rivals=rivals)


@lru_cache(maxsize=4096)
def parameter_of(text: str, surroundings: str) -> str | None:
    """The parameter or choice of a cell that holds nothing but its name; `surroundings` is the text around it."""
    cell_name = re.sub(r"^\W*(?:the\s+)?", "", plain(text).text.strip(), flags=re.IGNORECASE)
    if not cell_name or len(cell_name) > 60 or next(numbers(re.sub(r"\b[lL]2\b", "", cell_name)), None):
        return None
    for candidate in (cell_name.strip(), _TRAIL.sub("", cell_name).strip(), cell_name.replace("_", " ").strip()):
        for parameter in PARAMETERS:
            matches = parameter.mention.fullmatch(candidate) or (parameter.cell and parameter.cell.fullmatch(candidate))
            refused = parameter.unless and parameter.unless.search(surroundings)
            if matches and not refused and (not parameter.needs or parameter.needs.search(surroundings)):
                return parameter.name
        for choice in CHOICES:
            if choice.cell.fullmatch(candidate):
                return choice.name
    return None


def _row(row: Sequence[Cell]) -> str:
    """A row in Markdown, without the bars at its ends."""
    return " | ".join("" if cell.repeated else cell.text for cell in row).strip(" |")


def _distinct_texts(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.text for cell in cells if cell.text))


def _group_heading(row: Sequence[Cell], surroundings: str) -> str | None:
    """The text of a row that heads a group of rows: the only text of the row, and not a parameter or number; else None."""
    texts = _distinct_texts(row)
    if len(texts) != 1 or len(row) < 2 or parameter_of(texts[0], surroundings) or not re.search(r"[A-Za-z]{2}", texts[0]):
        return None
    return texts[0] if len(texts[0]) <= 60 else None


def _by_rows(grid: Grid, place: _Place) -> Iterator[Claim]:
    """`Learning rate | 1e-5 | 5e-6` below `| SFT | DPO`; a row may hold several such pairs side by side."""
    surroundings = place.surroundings
    first_row = next((number for number, row in enumerate(grid) if any(parameter_of(cell.text, surroundings) for cell in row)), 0)
    heading_rows = [row for row in grid[: min(first_row, 3)] if _group_heading(row, surroundings) is None]
    group_heading: str | None = None
    for row in grid:
        pairs = list(_pairs(row, surroundings))
        if not pairs:
            yield from _worth_quoting(row, place)
        group_heading = group_heading if pairs else _group_heading(row, surroundings) or group_heading
        leading_cells = [cell.text for cell in row[: pairs[0][1]] if cell.text] if pairs else []
        for name, start, columns in pairs:
            column_headings = {
                column: [text for text in (head[column].text for head in heading_rows) if not _EMPTY.fullmatch(text)]
                for column in columns
            }
            texts = {row[column].text for column in columns}
            one_per_stage = len({stages.of_titles(column_headings[column], name) for column in columns} - {None}) == len(columns)
            # Words in a column of their own (`Description`) are not a second value.
            one_value = len(texts) == 1 or sum(bool(value_of(name, text, row[start].text)[0]) for text in texts) == 1
            for column in columns if len(texts) > 1 else columns[:1]:
                headings = [*column_headings[column], *leading_cells, *([group_heading] if group_heading else [])]
                claim = place.claim(name, row[start].text, row[column].text, _row(row), headings, one_value or one_per_stage)
                if claim:
                    yield claim


def _worth_quoting(row: Sequence[Cell], place: _Place) -> Iterator[Claim]:
    """Claims that only quote a row whose first cell holds more than a parameter's name: `Temperature in beam search | 0.7`."""
    title = plain(row[0].text).text
    for parameter in PARAMETERS:
        if parameter.mention.search(title) and parameter.meant(title, place.surroundings):
            texts = [cell.text for cell in row[1:] if cell.text]
            claim = place.claim(parameter.name, row[0].text, texts[0], _row(row), (), False) if texts else None
            if claim:
                yield claim


def _pairs(row: Sequence[Cell], surroundings: str) -> Iterator[tuple[str, int, list[int]]]:
    """The parameters that a row names, each with the column of its name and those of its values."""
    name, name_column, value_columns = None, 0, list[int]()
    for column, cell in enumerate(row):
        cell_parameter = None if cell.repeated and name else parameter_of(cell.text, surroundings)
        if cell_parameter:
            if name and value_columns:
                yield name, name_column, value_columns
            name, name_column, value_columns = cell_parameter, column, []
        elif name and cell.text and not (cell.repeated and row[column - 1].text == cell.text):
            value_columns.append(column)
    if name and value_columns:
        yield name, name_column, value_columns


def _by_columns(grid: Grid, place: _Place) -> Iterator[Claim]:
    """`Model | LR | Batch size` above `7B | 1e-5 | 128`: certain where all rows agree, or each row is a stage."""
    surroundings = place.surroundings
    head = next((row for row in grid[:3] if any(parameter_of(cell.text, surroundings) for cell in row)), None)
    if head is None:
        return
    names = [parameter_of(cell.text, surroundings) for cell in head]
    rows = [row for row in grid[grid.index(head) + 1 :] if len(_distinct_texts(row)) > 1]
    other_cells = [[cell.text for cell, name in zip(row, names, strict=True) if cell.text and not name][:2] for row in rows]
    for column, name in enumerate(names):
        if name:
            row_stages = [stages.of_titles(others, name) for others in other_cells]
            certain_row = len({row[column].text for row in rows}) == 1 or (
                None not in row_stages and len(set(row_stages)) == len(rows)
            )
            for row, others in zip(rows, other_cells, strict=True):
                row_text = f"{head[column].text} … {_row(row)}"
                claim = place.claim(name, head[column].text, row[column].text, row_text, others, certain_row)
                if claim:
                    yield claim


def _of_listing(block: Block, place: _Place) -> Iterator[Claim]:
    """`learning_rate: 1e-6` or `--lr 1e-6`, line by line; lines that are commented out are skipped."""
    for line in block.text.splitlines()[:_MOST_LINES]:
        match = None if line.lstrip().startswith(("#", "//", "%")) else _LINE.fullmatch(line)
        if match:
            option = re.sub(r"[_-]+", " ", match["name"].rpartition(".")[2]).strip()
            name = parameter_of(option, place.surroundings) or parameter_of(match["name"], place.surroundings)
            claim = place.claim(name, option, match["value"], line.strip(), (), True) if name else None
            if claim:
                yield claim
