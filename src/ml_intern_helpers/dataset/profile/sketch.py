"""Computes bottom-k sketches: the smallest hashes of a dataset's rows, which estimate how many rows two datasets share.

The smallest `k` hashes are a random sample of the distinct rows, chosen in the same way in every dataset: the overlap of two
sketches estimates the overlap of the datasets (Broder 1997). The sketch of a dataset with fewer than `k` distinct rows holds all
of them, and two such sketches are compared exactly.

The texts of a row are hashed as one text in reading order, whatever its columns and speakers are called: the same conversation
as `messages`, as ShareGPT turns or as prompt and completion gives the same text, so that a converted copy is recognised.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: Hashes kept in a report. The standard error of an estimated share of one half is 1 / (2 * sqrt(K)): 3 points.
K = 256
#: Hashes kept after a full scan: the dataset may be far larger than the one it is compared with.
K_OF_ALL = 1024
#: Hashes kept in memory while two datasets are compared; no sample has more.
MOST_HELD = 65_536
#: Bytes of MD5 kept per hash (DuckDB has `md5`, too). Collisions are rare: 0.0002 % among ten million rows.
HASH_BYTES = 6
#: Roles of columns in reading order.
READING_ORDER = ("system", "context", "prompt", "dialogue", "messages", "text", "completion", "chosen", "rejected")
#: White space that is ignored when rows are compared.
SPACES = " \n\t\r\v\f"


def spoken_columns(roles: ColumnRoles, columns: list[str]) -> list[str]:
    """The columns that hold a row's texts; all columns when none has a role."""
    text_columns = [roles.by_role[role] for role in READING_ORDER if role in roles.by_role]
    if roles.has("messages"):  # a prompt beside messages repeats their first turn
        text_columns = [name for name in text_columns if name == roles.by_role["messages"]]
    return list(dict.fromkeys(text_columns)) or columns


def spoken(row: Mapping[str, Any], columns: list[str]) -> str:
    """The texts in `columns`, one per line."""
    texts: list[str] = []
    for name in columns:
        _collect(row.get(name), texts)
    return "\n".join(texts)


def normalised(text: str) -> str:
    """`text` in lower case and without white space, the form in which rows are compared.

    Removing spaces is ten times cheaper than collapsing them, both here and in DuckDB, which does the same with `--full`.
    """
    text = text.lower()
    for sign in SPACES:
        text = text.replace(sign, "")
    return text


def _collect(value: Any, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, texts)
    elif isinstance(value, dict):
        _collect(_turn_words(value), texts)
    elif value is not None and not isinstance(value, bytes):
        texts.append(str(value))


def _turn_words(value: dict[Any, Any]) -> Any:
    """A turn's content and tool calls; any other object as JSON."""
    words = next((value[key] for key in ("content", "value", "text") if key in value), None)
    calls = value.get("tool_calls")
    if words is None and not calls:
        return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return [words, json.dumps(calls, sort_keys=True, default=str, ensure_ascii=False)] if calls else words


def row_hash(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()[:HASH_BYTES], "big")


@dataclass(frozen=True)
class Sketch:
    """The smallest hashes of distinct rows.

    Attributes:
        hashes: ascending, at most `MOST_HELD`.
        distinct: how many distinct rows there are.
    """

    hashes: tuple[int, ...]
    distinct: int

    @property
    def whole(self) -> bool:
        """The hashes kept are all there are."""
        return len(self.hashes) == self.distinct

    def to_json(self, k: int = K) -> dict[str, Any]:
        """The JSON form with the `k` smallest hashes, packed as base64."""
        packed = b"".join(item.to_bytes(HASH_BYTES, "big") for item in self.hashes[:k])
        return {"k": k, "distinct_rows": self.distinct, "hashes": base64.b64encode(packed).decode()}


def sketch(hashes: Iterable[int]) -> Sketch:
    """The sketch of rows with these hashes, repeated ones counting once."""
    distinct = set(hashes)
    return Sketch(tuple(heapq.nsmallest(MOST_HELD, distinct)), len(distinct))


def from_json(value: object) -> Sketch | None:
    """The sketch in its JSON form `value`, or None when `value` is not a valid sketch."""
    if not isinstance(value, dict) or value.get("k") not in (K, K_OF_ALL) or not isinstance(value.get("hashes"), str):
        return None
    try:
        packed = base64.b64decode(value["hashes"], validate=True)
    except ValueError:
        return None
    hashes = {int.from_bytes(packed[at : at + HASH_BYTES], "big") for at in range(0, len(packed), HASH_BYTES)}
    distinct = value.get("distinct_rows")
    intact = len(packed) == len(hashes) * HASH_BYTES and 0 < len(hashes) <= value["k"]
    if (
        not intact
        or not isinstance(distinct, int)
        or distinct < len(hashes)
        or (len(hashes) < value["k"] and distinct > len(hashes))
    ):
        return None
    return Sketch(tuple(sorted(hashes)), distinct)


@dataclass(frozen=True)
class Overlap:
    """How many rows two datasets share, among the rows that the sketches cover.

    Attributes:
        rows: distinct rows in both.
        of_here, of_there: their share of each side's distinct rows, 0 to 1.
        exact: counted, not estimated.
        error_of_here, error_of_there: standard error of each share; 0 when counted, 1 when nothing is known.
    """

    rows: int
    of_here: float
    of_there: float
    exact: bool
    error_of_here: float
    error_of_there: float


def overlap(here: Sketch, there: Sketch) -> Overlap:
    """The overlap of `here` and `there`, estimated from their sketches.

    Up to the smaller of the two largest hashes kept, all hashes of both sides are known: a random sample of each side's rows, of
    which it is known whether the other side has them. Of a much smaller dataset this sample is small, and the error large.
    """
    bounds = [side.hashes[-1] for side in (here, there) if not side.whole]
    samples = [frozenset(item for item in side.hashes if not bounds or item <= min(bounds)) for side in (here, there)]
    shared = len(samples[0] & samples[1])
    if not bounds:
        return Overlap(shared, shared / max(here.distinct, 1), shared / max(there.distinct, 1), True, 0.0, 0.0)
    drawn, side = max((len(samples[0]), here), (len(samples[1]), there), key=lambda pair: pair[0])
    rows = min(round(shared / drawn * side.distinct), here.distinct, there.distinct)
    shares = [(shared / len(hashes), _error(shared, len(hashes))) if hashes else (0.0, 1.0) for hashes in samples]
    return Overlap(rows, shares[0][0], shares[1][0], False, shares[0][1], shares[1][1])


def _error(shared: int, drawn: int) -> float:
    """The standard error of the share; if none or all rows drawn are shared, about that of one row more or less."""
    share = shared / drawn
    return min(math.sqrt(max(share * (1 - share), 1 / drawn) / drawn), 1.0)
