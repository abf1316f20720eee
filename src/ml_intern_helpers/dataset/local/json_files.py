"""Reads JSON Lines and JSON documents.

Every line of a JSON Lines file is parsed, so that a broken line is named wherever it is. A document is an array of rows, or an
object that holds one (`{"data": […]}`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData, NotFound
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local.bounds import LARGEST_DOCUMENT_BYTES, MIB, Allowance
from ml_intern_helpers.dataset.local.table import Sampler, Table
from ml_intern_helpers.dataset.local.text_files import decode, excerpt, lines, open_bytes, path_text


def read_lines(paths: list[Path], sample_size: int) -> Table:
    """A sample of the lines of `paths`, parsed in order up to `MOST_BYTES` and `MOST_SECONDS`.

    Row numbers are line numbers, counted on from one file to the next.

    Raises:
        BadData: a line is not a JSON object, repeats a key, is not UTF-8, or is longer than `LONGEST_LINE_BYTES`.
        TooDeep: a row is nested too deep.
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
    """Yield (number, row) for the rows `numbers` (1-based over all files, ascending; blank lines are not counted).

    Raises:
        BadData: one of these rows is broken.
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
    """Parse only the lines `numbers` (1-based) of `path`, to find a broken one.

    Raises:
        BadData: as `read_lines` does, for the first of them that is broken.
    """
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, 1):
            if number >= numbers.stop:
                return
            if number in numbers and line.strip():
                parse(path, line, number)


def parse(path: Path, line: bytes, number: int) -> dict[str, Any]:
    """The row that a line holds; raises as `read_lines` does."""
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
    if _SURROGATE.search(text) and not _is_valid_text(row):
        message = (
            f"{path_text(path)} line {number} has half a character "
            "(a lone surrogate such as \\ud83d); `datasets` refuses the file"
        )
        raise BadData(message, hint="repair or drop that line: a text in it was cut inside an emoji")
    if not isinstance(row, dict):
        message = f"{path_text(path)} line {number} is {_json_type(row)}, not an object: {excerpt(text)!r}"
        raise BadData(message, hint='every line must be one object: {"column": value, …}')
    return row


#: Half of a character that does not fit into one escape: JSON writes it as two of these, and one alone is invalid.
_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def _is_valid_text(row: object) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _broken(path: Path, number: int, text: str, err: ValueError) -> BadData:
    where = getattr(err, "pos", 0)
    message = f"{path_text(path)} line {number} is not JSON: {getattr(err, 'msg', err)} at character {where + 1}"
    hint = "repair or drop that line; all lines before it are valid"
    if number == 1 and text.strip() in ("{", "["):
        hint = "this looks like one JSON document over several lines: give it the ending .json"
    return BadData(f"{message}: {excerpt(text, where)!r}", hint=hint)


def _json_type(value: object) -> str:
    return {"list": "an array", "str": "a string", "NoneType": "null"}.get(type(value).__name__, "a number")


class RepeatedKey(ValueError):
    """An object has the same key twice: Python keeps the last value, Arrow (and so `datasets`) refuses the file."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object made of `pairs`; raises `RepeatedKey` when a key occurs twice."""
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: set[str] = set()
        raise RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=unique)


#: Fields of a document in which rows are looked for first.
LIKELY_FIELDS = ("data", "rows", "examples", "train")
#: Names of fields that are splits, when a document has several of them.
SPLIT_FIELDS = frozenset({"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "evaluation"})


def read_document(paths: list[Path], sample_size: int, split: str | None = None) -> Table:
    """A sample of the rows of `paths`, each a JSON document; `split` names the field to read where fields are splits.

    Raises:
        BadData: the document is not JSON, too large, or holds no list of objects.
        NotFound: the document has no field named `split`.
    """
    splits: dict[str, int] = {}
    sampler, allowance = Sampler(sample_size), Allowance()
    arguments: dict[str, str] = {}
    layout_notes: list[str] = []
    for path in paths:
        if allowance.over():
            allowance.cut = True
            break
        size, field, splits = _add(path, sampler, allowance, split, layout_notes)
        allowance.spend(size)
        if field:
            arguments["field"] = field
    table = sampler.table(allowance)
    table.load_arguments = arguments
    table.notes += layout_notes
    table.splits = splits if len(paths) == 1 else {}
    return table


def _add(
    path: Path, sampler: Sampler, allowance: Allowance, split: str | None, notes: list[str]
) -> tuple[int, str | None, dict[str, int]]:
    """Offer the rows of one document to `sampler`.

    Returns its size, the field that holds the rows, and the number of rows of every field that is a split. This is a function of
    its own so that only one document is in memory at a time.
    """
    size, field, rows, splits = _rows(path, split)
    if field is None and len(rows) == 1:
        notes.extend(_table_layout_notes(rows[0]))
    for row in rows:
        if sampler.seen and allowance.over():
            allowance.cut = True
            break
        sampler.add(sampler.seen + 1, lambda row=row: row)  # type: ignore[misc]
    return size, field, splits


def _table_layout_notes(value: dict[str, Any]) -> Iterator[str]:
    """A warning when the document is one row for `datasets` but looks like a table, by rows under keys or by columns."""
    cells = list(value.values())
    lengths = {len(cell) if isinstance(cell, list) else -1 for cell in cells}
    keys = {tuple(cell) if isinstance(cell, dict) else () for cell in cells}
    message = f"the file is one object, which is one row to `datasets`; if its {len(cells):,} values are"
    if len(cells) > 1 and len(keys) == 1 and keys != {()}:
        yield f"{message} the rows: Dataset.from_list(list(json.load(open(…)).values()))"
    elif len(cells) > 1 and len(lengths) == 1 and min(lengths) > 1:
        yield f"{message} columns of {min(lengths):,} rows: Dataset.from_dict(json.load(open(…)))"


def document_rows(path: Path, field: str | None) -> list[dict[str, Any]]:
    """All rows of one document; `field` is the argument of the same name of `load_dataset`."""
    return _rows(path, field if field and field in SPLIT_FIELDS else None)[2]


def is_lines(path: Path) -> bool:
    """Whether a .json file really holds JSON Lines: its first line is a complete object and more follows."""
    with open_bytes(path) as stream:
        first = stream.readline(4 * 1024 * 1024)
        more = stream.readline(4 * 1024 * 1024).strip()
    try:
        return isinstance(json.loads(first), dict) and more.startswith(b"{")
    except (ValueError, RecursionError):
        return False


def _rows(path: Path, split: str | None) -> tuple[int, str | None, list[dict[str, Any]], dict[str, int]]:
    with open_bytes(path) as stream:
        data = stream.read(LARGEST_DOCUMENT_BYTES + 1)
    if len(data) > LARGEST_DOCUMENT_BYTES:
        message = f"{path_text(path)} is one JSON document of more than {LARGEST_DOCUMENT_BYTES // MIB} MiB"
        raise BadData(message, hint="make it JSON Lines, one row a line: jq -c '.[]' file.json > file.jsonl")
    value = _parse(path, decode(path, data, 1))
    # Several lists of objects that are all named like splits are the splits of the dataset.
    fields = {name: len(item) for name, item in value.items() if _is_rows(item)} if isinstance(value, dict) else {}
    splits = fields if len(fields) > 1 and {name.lower() for name in fields} <= SPLIT_FIELDS else {}
    field, rows = _find(path, value, _wanted(path, split, splits))
    wrong = next((number for number, row in enumerate(rows, 1) if not isinstance(row, dict)), None)
    if wrong:
        raise BadData(
            f"{path_text(path)} item {wrong} is not an object but {type(rows[wrong - 1]).__name__}", hint="rows must be objects"
        )
    return len(data), field, rows, splits


def _wanted(path: Path, split: str | None, splits: dict[str, int]) -> str | None:
    """The requested field; None when fields are not splits, so that the whole file is the split `train`."""
    if split in splits or split is None or (split == "train" and not splits):
        return split if splits else None
    listed = ", ".join(splits) or "train"
    raise NotFound(f"{path_text(path)} has no split {clean(split, limit=60)!r}", hint=f"splits: {listed}")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _parse(path: Path, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique)
    except RepeatedKey as err:
        message = f"{path_text(path)} names the key {err.key!r} twice in one object; `datasets` refuses the file"
        raise BadData(message, hint="rename or drop one of the two") from err
    except RecursionError as err:
        raise BadData(f"{path_text(path)} is nested too deep to be data", hint="look at the file") from err
    except json.JSONDecodeError as err:
        message = f"{path_text(path)} line {err.lineno} column {err.colno} is not JSON: {err.msg}: {excerpt(text, err.pos)!r}"
        raise BadData(message, hint="repair the file") from err
    except ValueError as err:  # Python refuses a number with thousands of digits
        raise BadData(f"{path_text(path)} is not JSON: {clean(err, limit=100)}", hint="repair the file") from err


def _find(path: Path, value: Any, field: str | None) -> tuple[str | None, list[Any]]:
    """The name of the field that holds the rows (preferably `field`; None for the whole document), and the rows."""
    if isinstance(value, list):
        return None, value
    if not isinstance(value, dict):
        raise BadData(
            f"{path_text(path)} holds {type(value).__name__}, not rows", hint="write an array of objects, or JSON Lines"
        )
    fields = [name for name, item in value.items() if _is_rows(item)]
    wanted = [name for name in (field, *LIKELY_FIELDS) if name in fields] or fields
    if wanted and not set(value) & {"messages", "conversations"}:
        return wanted[0], value[wanted[0]]
    return None, [value]
