"""JSON Lines: every line is parsed, so that a broken one is named wherever it is; only a sample is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.dataset.local.bounds import Allowance
from ml_intern_helpers.dataset.local.table import Sampler, Table
from ml_intern_helpers.dataset.local.text_files import decode, excerpt, lines, open_bytes, path_text


def read(paths: list[Path], sample_size: int) -> Table:
    """Parse the lines of `paths`, in order, up to `MOST_BYTES` and `MOST_SECONDS`.

    Row numbers are line numbers, which go on from file to file.

    Raises:
        BadData: a line that is not a JSON object, repeats a key, is not UTF-8 or longer than `LONGEST_LINE_BYTES`.
        TooDeep: a row that nests too deep.
    """
    sampler, allowance = Sampler(sample_size), Allowance()
    for path in paths:
        first = sampler.seen
        for number, line in lines(path, allowance):
            if line.strip():
                row = parse(path, line, number)
                sampler.add(first + number, lambda row=row: row)  # type: ignore[misc]
    return sampler.table(allowance)


def rows_at(paths: list[Path], numbers: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, row) of the rows `numbers` (1-based over all files, ascending; blank lines are not rows).

    Raises:
        BadData: such a row is broken.
    """
    seen, wanted = 0, set(numbers)
    for path in paths:
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, 1):
                seen += 1 if line.strip() else 0
                if seen in wanted:
                    wanted.discard(seen)
                    yield seen, parse(path, line, number)
                if not wanted:
                    return


def check_lines(path: Path, numbers: range) -> None:
    """Parse the lines `numbers` (1-based) of `path`; the others are passed over.

    Raises:
        BadData: as `read` does, for the first of them that is broken.
    """
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, 1):
            if number >= numbers.stop:
                return
            if number in numbers and line.strip():
                parse(path, line, number)


def parse(path: Path, line: bytes, number: int) -> dict[str, Any]:
    """The row that a line holds; raises as `read` does."""
    text = decode(path, line, number)
    try:
        row = _DECODER.decode(text.strip())
    except RepeatedKey as err:
        message = f"{path_text(path)} line {number} names the key {err.key!r} twice; `datasets` refuses the file"
        raise BadData(message, hint="rename or drop one of the two in that line") from err
    except RecursionError as err:
        raise BadData(f"{path_text(path)} line {number} is nested too deep to be data", hint="look at that line") from err
    except ValueError as err:
        raise _broken(path, number, text, err) from err
    if _SURROGATE.search(text) and not _is_text(row):
        message = (
            f"{path_text(path)} line {number} has half a character "
            "(a lone surrogate such as \\ud83d); `datasets` refuses the file"
        )
        raise BadData(message, hint="repair or drop that line: a text was cut inside an emoji")
    if not isinstance(row, dict):
        message = f"{path_text(path)} line {number} is {_named(row)}, not an object: {excerpt(text)!r}"
        raise BadData(message, hint='every line must be one object: {"column": value, …}')
    return row


#: A character above the sixteen bits of one escape is written as two of these; one alone is none.
_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def _is_text(row: object) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _broken(path: Path, number: int, text: str, err: ValueError) -> BadData:
    where = getattr(err, "pos", 0)
    message = f"{path_text(path)} line {number} is not JSON: {getattr(err, 'msg', err)} at character {where + 1}"
    hint = "repair or drop that line; everything before it was read without a fault"
    if number == 1 and text.strip() in ("{", "["):
        hint = "this looks like a JSON document over several lines: give it the ending .json"
    return BadData(f"{message}: {excerpt(text, where)!r}", hint=hint)


def _named(value: object) -> str:
    return {"list": "an array", "str": "a string", "NoneType": "null"}.get(type(value).__name__, "a number")


class RepeatedKey(ValueError):
    """An object names a key twice; Python keeps the last, Arrow (and so `datasets`) refuses the file."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its pairs; `RepeatedKey` when a key comes twice."""
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: set[str] = set()
        raise RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=unique)
