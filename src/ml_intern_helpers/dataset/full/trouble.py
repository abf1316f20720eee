"""What DuckDB and the Hub's file system raise, as one clear error each."""

from __future__ import annotations

import re
from pathlib import Path

from ml_intern_helpers.core.errors import BadData, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local import json_lines
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, MIB
from ml_intern_helpers.dataset.local.text_files import shown
from ml_intern_helpers.dataset.sample import Stored

_LINE = re.compile(r"in line (\d+)")


def explained(err: Exception, stored: Stored, split: str, memory: str) -> ToolError:
    """The error for the user; a broken line is named as the reader of the sample names it."""
    if isinstance(err, ToolError):
        return err
    name, told = type(err).__name__, str(err)
    if name == "OutOfMemoryException":
        return Unavailable(f"the full scan needs more than {memory} of memory", hint="give it more with --memory, such as 2GB")
    if "Traceback" in told:  # out of the file system: the network, a token, a file that is gone
        last = clean(told.strip().splitlines()[-1], limit=200)
        return Unavailable(f"the full scan stopped while it read from the Hub: {last}", hint="run it again")
    if stored.format == "jsonl":
        return _line_error(told, [Path(path) for path in stored.splits[split]])
    where = shown(Path(str(stored.splits[split][0])))
    if stored.format == "parquet":
        return BadData(
            f"{where}: the full scan stopped: {_first_line(told)}", hint="the file is damaged or cut off: get it again"
        )
    return Unavailable(f"{where}: the full scan stopped: {name}: {_first_line(told)}", hint="run without --full for a sample")


def _line_error(told: str, paths: list[Path]) -> ToolError:
    if "maximum_object_size" in told:
        return BadData(
            f"{shown(paths[0])} has a line longer than {LONGEST_LINE_BYTES // MIB} MiB",
            hint="one row per line? A JSON array belongs into a .json file",
        )
    match = _LINE.search(told)
    if match:
        # DuckDB counts rows and lines in one; the line it means is the one it names or the one before.
        for path in paths:
            _reread(path, int(match[1]))
    return BadData(f"{shown(paths[0])}: the full scan stopped: {_first_line(told)}", hint="repair or drop that line")


def _reread(path: Path, number: int) -> None:
    """Let the reader of the sample look at line `number` and its neighbours: it names what is wrong with them."""
    json_lines.check_lines(path, range(max(number - 1, 1), number + 2))


def _first_line(told: str) -> str:
    return clean(told.split("\n", 1)[0], limit=200)
