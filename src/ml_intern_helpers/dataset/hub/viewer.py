"""Parses the answers of the dataset viewer and classifies its errors.

The parsers raise `BadData` when an answer does not have the documented form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ml_intern_helpers.core.errors import BadData, RateLimited, ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.columns import type_texts
from ml_intern_helpers.dataset.sample import Counted, Row, Split
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.retry import VIEWER_TRANSIENT

T = TypeVar("T")


@dataclass(frozen=True)
class Pairs:
    """The answer of `/splits`: every (config, split), and the configs that are not ready or failed."""

    pairs: list[tuple[str, str]]
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """The answer of `/first-rows` or `/rows`.

    Attributes:
        rows, numbers: the rows, and the 1-based number of each.
        types: column -> its type as text.
        cut: positions of rows with a nested cell that was cut off, which the viewer sends as text.
        shortened: whether any text was shortened.
    """

    rows: list[Row]
    numbers: list[int]
    types: dict[str, str]
    cut: set[int]
    shortened: bool


def parse_splits(answer: Any) -> Pairs:
    pairs = [(_field(item, "config", str), _field(item, "split", str)) for item in _field(answer, "splits", list)]
    return Pairs(pairs, _configs(answer, "pending"), _configs(answer, "failed"))


def parse_size(answer: Any) -> dict[tuple[str, str], Split]:
    """Parse `/size` into a `Split` for each (config, split). A partial export makes counts lower bounds."""
    size = _field(answer, "size", dict)
    partial = bool(answer.get("partial"))
    # Answers about a dataset, a config and a split are nested differently, but all of them have `splits`.
    return {
        (_field(item, "config", str), _field(item, "split", str)): _split(item, partial) for item in _field(size, "splits", list)
    }


def _split(item: dict[str, Any], partial: bool) -> Split:
    pair = _field(item, "config", str), _field(item, "split", str)
    rows, estimated = _number(item.get("num_rows")), _number(item.get("estimated_num_rows"))
    size = _number(item.get("num_bytes_parquet_files"))
    if estimated is not None:
        return Split(*pair, estimated, "estimated", size)
    return Split(*pair, rows, _known(rows, partial), size)


def _known(rows: int | None, partial: bool) -> Counted:
    return "unknown" if rows is None else ("at_least" if partial else "exact")


def _number(value: object) -> int | None:
    """`value` if it is a count, else None: a text in its place would break the report later on."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_info(answer: Any) -> dict[tuple[str, str], Split]:
    """Parse `/info` into the sizes in the dataset's own metadata; configs without sizes are left out."""
    infos = _field(answer, "dataset_info", dict)
    by_config = {"": infos} if "features" in infos or "splits" in infos else infos
    partial = bool(answer.get("partial"))
    sizes: dict[tuple[str, str], Split] = {}
    for config, info in by_config.items():
        name = str(info.get("config_name") or config)
        for split, item in (info.get("splits") or {}).items():
            rows = _number(item.get("num_examples"))
            sizes[name, split] = Split(name, split, rows, _known(rows, partial), None)
    return sizes


def parse_rows(answer: Any) -> Rows:
    """Parse `/first-rows` and `/rows`. The viewer sends a cell that it cut off as text, whatever the column's type."""
    features = _field(answer, "features", list)
    types = type_texts(features)
    rows, numbers, cut = [], [], set()
    shortened = False
    for position, item in enumerate(_field(answer, "rows", list)):
        rows.append({name: _field(item, "row", dict).get(name) for name in types})
        numbers.append(int(item.get("row_idx", position)) + 1)
        cells = item.get("truncated_cells") or []
        shortened = shortened or bool(cells)
        # A text that was cut off is still a text, but a list or a JSON text (`tools`) can no longer be read.
        if any(types.get(name) not in ("string", "large_string") or name == "tools" for name in cells):
            cut.add(position)
    return Rows(rows, numbers, types, cut, shortened)


def parse_valid(answer: Any) -> dict[str, bool]:
    """Parse `/is-valid`: capability of the viewer -> whether the dataset has it."""
    if not isinstance(answer, dict):
        raise _unknown_format("is-valid")
    return {name: bool(value) for name, value in answer.items() if isinstance(value, bool)}


def _configs(answer: Any, key: str) -> list[str]:
    items = answer.get(key) or []
    return [str(item.get("config", "")) if isinstance(item, dict) else str(item) for item in items]


def _field(value: Any, key: str, kind: type[T]) -> T:
    """The field `key` of a JSON object; raises `BadData` when it is missing or not of type `kind`."""
    field = value.get(key) if isinstance(value, dict) else None
    if not isinstance(field, kind):
        raise _unknown_format(key)
    return field


def _unknown_format(key: str) -> BadData:
    hint = "its format may have changed: please report it"
    return BadData(f"the dataset viewer's answer has no usable {clean(key)!r}", hint=hint)


Kind = Literal["hidden", "renamed", "no_such", "script", "too_many_configs", "blocked", "empty", "broken", "busy", "away"]

_CODES: dict[str, Kind] = {
    "ExternalUnauthenticatedError": "hidden",
    "ExternalAuthenticatedError": "hidden",
    "RenamedDatasetError": "renamed",
    "ResponseNotFound": "no_such",
    "DatasetWithScriptNotSupportedError": "script",
    "DatasetWithTooManyConfigsError": "too_many_configs",
    "DatasetInBlockListError": "blocked",
    "EmptyDatasetError": "empty",
    "DatasetNotFoundError": "hidden",
    "TooBigContentError": "blocked",
    "UnexpectedApiError": "busy",
    "UnexpectedError": "busy",
    **dict.fromkeys(VIEWER_TRANSIENT, "busy"),
}


@dataclass(frozen=True)
class ViewerError:
    """An error of the viewer.

    Attributes:
        kind: the meaning of the error.
        message: one line, with the cause if the viewer gives it.
    """

    kind: Kind
    message: str

    @property
    def elsewhere(self) -> bool:
        """Whether another source may have the rows, because the viewer and not the dataset is the cause."""
        return self.kind in ("blocked", "busy", "away", "script", "too_many_configs", "hidden")


def viewer_error(answer: Response | Exception) -> ViewerError | None:
    """The error that `answer` reports, or None when it reports none."""
    if isinstance(answer, ToolError):
        return ViewerError("busy" if isinstance(answer, RateLimited) else "away", answer.message)
    if isinstance(answer, Exception):
        raise answer
    if answer.ok:
        return None
    code = f" {answer.error_code}" if answer.error_code else ""
    message = f"the dataset viewer answered {answer.status}{code}: {answer.message() or 'no reason given'}"
    cause = _cause(answer)
    return ViewerError(_kind(answer), f"{message} Cause: {cause}" if cause else message)


def _kind(answer: Response) -> Kind:
    known = _CODES.get(answer.error_code or "")
    if known:
        return known
    if answer.status in (401, 403):
        return "hidden"
    if answer.status == 404:
        return "no_such"
    if answer.status == 501:
        return "blocked"
    coded = answer.status == 500 and (answer.error_code or b'"cause_' in answer.body)
    return "broken" if coded else "busy"


def _cause(answer: Response) -> str:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(body, dict) or not body.get("cause_message"):
        return ""
    return clean(f"{body.get('cause_exception', 'error')}: {body['cause_message']}", limit=200)
