"""Reads the code of a notebook as one Python text, and maps its lines back to the cells."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ml_intern_helpers.core.errors import BadData

#: A shell command or magic on the right of an assignment (`files = !ls`).
_ASSIGNED = re.compile(r"(\s*\w+\s*=\s*)([!%]\w.*)")
#: Magics that run the cell below them, or the rest of their line, as Python.
_RUNS_CELL = re.compile(r"%%(time|timeit|capture|prun|memit|mprun|wandb)\b")
_RUNS_LINE = re.compile(r"%time\s+(\S.*)")
#: Line of the joined text (0-based) -> (number of the code cell, line in it), both 1-based.
CellMap = list[tuple[int, int]]


class Notebook(NamedTuple):
    """The code of a notebook.

    Attributes:
        text: the code cells as one text.
        cells: the cell and the line in it for each line of `text`.
        commands: the magics and shell lines of the cells, without their `%` or `!` (`pip install x`).
    """

    text: str
    cells: CellMap
    commands: tuple[str, ...]


def code_of_notebook(name: str, data: bytes) -> Notebook:
    """Join the code cells of a notebook; magics and shell lines, such as `%pip install x`, become comments.

    Raises:
        BadData: the data is not JSON, or not a notebook.
    """
    lines: list[str] = []
    cells: CellMap = []
    commands: list[str] = []
    for number, cell in enumerate(_code_cells(name, data), start=1):
        for inside, line in enumerate(_runnable(cell, commands), start=1):
            lines.append(line)
            cells.append((number, inside))
    return Notebook("\n".join(lines), cells, tuple(commands))


def _code_cells(name: str, data: bytes) -> list[str]:
    try:
        book: Any = json.loads(data)
        code_cells = [cell for cell in book["cells"] if cell.get("cell_type") == "code"]
        return [cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"]) for cell in code_cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise BadData(f"{name} is not a notebook (JSON with code cells)", hint="open it in Jupyter and save it again") from err


def _runnable(cell: str, commands: list[str]) -> list[str]:
    """A cell's lines with IPython syntax turned into comments; its magics and shell lines are added to `commands`."""
    lines = cell.replace("\r\n", "\n").replace("\0", "").split("\n")
    if lines[0].startswith("%%"):
        if not _RUNS_CELL.match(lines[0]):
            return [f"# {line}" for line in lines]
        lines[0] = f"# {lines[0]}"
    runnable: list[str] = []
    continues = False  # a magic or shell line continues while its lines end in a backslash
    for line in lines:
        bare = line.lstrip()
        command = not continues and bare.startswith(("%", "!")) and not _RUNS_LINE.match(bare)
        if command and bare == line:
            commands.append(line[1:])
        runnable.append(f"#  {line}" if continues else _runnable_line(line))
        continues = (continues or command) and line.endswith("\\")
    return runnable


def _runnable_line(line: str) -> str:
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    if timed := _RUNS_LINE.match(bare):
        return f"{indent}{timed[1]}"
    if bare.startswith(("%", "!")):
        return f"{indent}pass  # {bare}" if indent else f"# {bare}"
    assigned = _ASSIGNED.match(line)
    if assigned:
        return f"{assigned[1]}None  # {assigned[2]}"
    return line.rstrip("?") if bare.rstrip().endswith("?") and "#" not in bare else line
