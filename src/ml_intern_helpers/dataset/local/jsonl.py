"""JSON Lines: every line is parsed, so that a broken one is named wherever it is; only a sample is kept."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.local.opening import decode, excerpt, open_bytes, shown
from ml_intern_helpers.dataset.local.sampling import Sampler
from ml_intern_helpers.dataset.local.table import Table
from ml_intern_helpers.errors import BadData

LONGEST_LINE = 64 * 1024 * 1024
#: Beyond this the rest of the files is not parsed; the report says so.
MOST_BYTES = 512 * 1024 * 1024


def read(paths: list[Path], sample: int) -> Table:
    """Parse the lines of `paths`, in order, up to `MOST_BYTES`.

    Raises:
        BadData: a line that is no JSON object, repeats a key, is not UTF-8 or longer than `LONGEST_LINE`.
    """
    sampler = Sampler(sample)
    used = 0
    complete = True
    for path in paths:
        used, whole = _read_one(path, sampler, used)
        complete = complete and whole
        if used >= MOST_BYTES:
            complete = complete and path == paths[-1]
            break
    rows, numbers = sampler.result()
    return Table(rows, numbers, sampler.seen, sampler.seen if complete else None, used, order_spread=True)


def _read_one(path: Path, sampler: Sampler, used: int) -> tuple[int, bool]:
    """Parse one file; bytes used so far, and whether its end was reached. Row numbers go on from file to file."""
    first = sampler.seen
    with open_bytes(path) as stream:
        number = 0
        while line := _line(path, stream, number + 1):
            number += 1
            used += len(line)
            if line.strip():
                sampler.add(first + number, _parse(path, line, number), len(line))
            if used >= MOST_BYTES:
                return used, not stream.read(1)
    return used, True


def _line(path: Path, stream: Any, number: int) -> bytes:
    try:
        line: bytes = stream.readline(LONGEST_LINE + 1)
    except (OSError, EOFError, zlib.error) as err:
        raise BadData(f"{shown(path)} breaks off after line {number - 1}: {err}", hint="get the file again") from err
    if len(line) > LONGEST_LINE:
        told = f"{shown(path)} line {number} is longer than {LONGEST_LINE // 2**20} MiB"
        raise BadData(told, hint="one row per line? A JSON array belongs into a .json file")
    return line


def _parse(path: Path, line: bytes, number: int) -> dict[str, Any]:
    text = decode(path, line, number)
    try:
        row = _DECODER.decode(text.strip())
    except RepeatedKey as err:
        told = f"{shown(path)} line {number} names the key {err.key!r} twice; `datasets` refuses the file"
        raise BadData(told, hint="rename or drop one of the two in that line") from err
    except RecursionError as err:
        raise BadData(f"{shown(path)} line {number} is nested too deep to be data", hint="look at that line") from err
    except ValueError as err:
        raise _broken(path, number, text, err) from err
    if not isinstance(row, dict):
        told = f"{shown(path)} line {number} is {_named(row)}, not an object: {excerpt(text)!r}"
        raise BadData(told, hint='every line must be one object: {"column": value, …}')
    return row


def _broken(path: Path, number: int, text: str, err: ValueError) -> BadData:
    where = getattr(err, "pos", 0)
    told = f"{shown(path)} line {number} is not JSON: {getattr(err, 'msg', err)} at character {where + 1}"
    hint = "repair or drop that line; everything before it was read without a fault"
    if number == 1 and text.strip() in ("{", "["):
        hint = "this looks like a JSON document over several lines: give it the ending .json"
    return BadData(f"{told}: {excerpt(text, where)!r}", hint=hint)


def _named(value: object) -> str:
    return {"list": "an array", "str": "a string", "NoneType": "null"}.get(type(value).__name__, "a number")


class RepeatedKey(ValueError):
    """An object names a key twice; Python keeps the last, Arrow (and so `datasets`) refuses the file."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its pairs; `RepeatedKey` when a key comes twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        raise RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=unique)
