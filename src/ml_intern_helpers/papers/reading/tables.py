"""A LaTeXML table -> a grid of cells -> Markdown. Spanning cells keep their place, so that columns stay columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ml_intern_helpers.papers.reading.document import Cell, Grid
from ml_intern_helpers.papers.reading.inline import Element, classes, inline

#: A hostile `colspan=1000000` must not become a million cells.
WIDEST, LONGEST = 60, 400


def is_table(element: Element) -> bool:
    """A table of the paper; formulas are laid out as tables, too, and are not meant."""
    names = classes(element)
    if names & {"ltx_eqn_table", "ltx_equation", "ltx_equationgroup"}:
        return False
    return "ltx_tabular" in names or element.tag == "table"


def grid(table: Element) -> Grid:
    """The cells, row by row, every row as long as the longest."""
    rows: list[dict[int, Cell]] = []
    hanging: dict[int, tuple[int, Cell]] = {}  # column -> rows still to fill, and with what
    for row in _rows(table)[:LONGEST]:
        filled = {column: cell for column, (_, cell) in hanging.items()}
        hanging = {column: (left - 1, cell) for column, (left, cell) in hanging.items() if left > 1}
        column = 0
        for element in _cells(row):
            while column in filled:
                column += 1
            if column >= WIDEST:
                break
            column = _place(element, column, filled, hanging)
        rows.append(filled)
    width = max((max(row, default=-1) + 1 for row in rows), default=0)
    return tuple(tuple(row.get(column, Cell("")) for column in range(width)) for row in rows)


def _place(element: Element, column: int, filled: dict[int, Cell], hanging: dict[int, tuple[int, Cell]]) -> int:
    """Put one cell, with all it spans, at `column`; returns the column after it."""
    first = _cell(element)
    again = Cell(first.text, first.heading, first.bold, repeated=True)
    width, height = min(_span(element, "colspan"), WIDEST - column), min(_span(element, "rowspan"), LONGEST)
    for offset in range(width):
        filled[column + offset] = again if offset else first
        if height > 1:
            hanging[column + offset] = (height - 1, again)
    return column + width


def _cell(element: Element) -> Cell:
    text = inline(element)
    bare = re.fullmatch(r"\*\*(.*)\*\*", text)
    heading = element.tag == "th" or "ltx_th" in classes(element)
    bold = bare is not None or bool(re.fullmatch(r"\$\\(?:mathbf|bm|boldsymbol)\{.*\}\$", text))
    return Cell(bare[1] if bare else text, heading, bold)


def _span(element: Element, name: str) -> int:
    """LaTeXML's spans of elements that are not table cells stand in a class: `ltx_colspan_3`."""
    prefix = f"ltx_{name}_"
    marked = [each.removeprefix(prefix) for each in classes(element) if each.startswith(prefix)]
    written = element.get(name) or (marked[0] if marked else "1")
    return max(int(written), 1) if written.isascii() and written.isdecimal() and len(written) < 6 else 1


def _rows(table: Element) -> list[Element]:
    """The rows of this table, without those of tables inside its cells."""
    found: list[Element] = []
    stack = list(reversed(table))
    while stack:
        element = stack.pop()
        if not isinstance(element.tag, str):
            continue
        if element.tag == "tr" or "ltx_tr" in classes(element):
            found.append(element)
        elif not is_table(element):
            stack += reversed(element)
    return found


def _cells(row: Element) -> Iterable[Element]:
    return [each for each in row if each.tag in ("td", "th") or (isinstance(each.tag, str) and "ltx_td" in classes(each))]


def markdown(cells: Grid) -> str:
    """A Markdown table; what a cell spans is left empty after its first place."""
    rows = [[_shown(cell) for cell in row] for row in cells if any(cell.text for cell in row)]
    if not rows:
        return ""
    kept = [column for column in range(len(rows[0])) if any(row[column] for row in rows)]
    lines = ["| " + " | ".join(row[column] for column in kept) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(kept), *lines[1:]])


def _shown(cell: Cell) -> str:
    text = "" if cell.repeated else cell.text.replace("|", "\\|")
    return f"**{text}**" if cell.bold and text and not text.startswith("$") else text
