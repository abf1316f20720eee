"""A bottom-k sketch: the smallest hashes of a dataset's rows, from which the number of rows that two datasets share is estimated.

The smallest `k` of all hashes are a fair draw of the distinct rows, and the same draw in every dataset: what two sketches
share estimates what the datasets share (Broder 1997). A dataset with fewer than `k` distinct rows has all of them in its
sketch, and two such are compared exactly.

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

#: Hashes kept. The standard error of an estimated share of one half is 1 / (2 * sqrt(K)): 3 points.
K = 256
#: Of a whole dataset that a full scan has read: it may be far larger than what it is compared with.
K_OF_ALL = 1024
#: Hashes held while both datasets are at hand; no sample has more.
MOST_HELD = 65_536
#: Bytes of MD5 that are kept of each: DuckDB, too, has `md5`. Among ten million rows a chance meeting is rare (0.0002 %).
HASH_BYTES = 6
#: Roles of columns in the order in which a reader meets them.
READING_ORDER = ("system", "context", "prompt", "dialogue", "messages", "text", "completion", "chosen", "rejected")
#: White space that two rows may differ in.
SPACES = " \n\t\r\v\f"


def spoken_columns(roles: ColumnRoles, columns: list[str]) -> list[str]:
    """The columns that hold a row's words; all columns when none has a role."""
    found = [roles.by_role[role] for role in READING_ORDER if role in roles.by_role]
    if roles.has("messages"):  # a prompt beside messages repeats their first turn
        found = [name for name in found if name == roles.by_role["messages"]]
    return list(dict.fromkeys(found)) or columns


def spoken(row: Mapping[str, Any], columns: list[str]) -> str:
    """The words in `columns`, one text a line."""
    texts: list[str] = []
    for name in columns:
        _collect(row.get(name), texts)
    return "\n".join(texts)


def normalised(text: str) -> str:
    """`text` in small letters and without white space: what two rows are compared by.

    Taking spaces out is ten times cheaper than folding them, here and in DuckDB, which makes the same of every row (`--full`).
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
    """A turn's words and calls; of any other object, all of it."""
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
        """The JSON form, of the `k` smallest; the hashes are packed, for nobody reads them."""
        packed = b"".join(item.to_bytes(HASH_BYTES, "big") for item in self.hashes[:k])
        return {"k": k, "distinct_rows": self.distinct, "hashes": base64.b64encode(packed).decode()}


def sketch(hashes: Iterable[int]) -> Sketch:
    """The sketch of rows with these hashes, repeated ones counting once."""
    distinct = set(hashes)
    return Sketch(tuple(heapq.nsmallest(MOST_HELD, distinct)), len(distinct))


def from_json(value: object) -> Sketch | None:
    """A sketch that was written down, or None when this is none."""
    if not isinstance(value, dict) or value.get("k") not in (K, K_OF_ALL) or not isinstance(value.get("hashes"), str):
        return None
    try:
        packed = base64.b64decode(value["hashes"], validate=True)
    except ValueError:
        return None
    found = {int.from_bytes(packed[at : at + HASH_BYTES], "big") for at in range(0, len(packed), HASH_BYTES)}
    distinct = value.get("distinct_rows")
    whole = len(packed) == len(found) * HASH_BYTES and 0 < len(found) <= value["k"]
    if not whole or not isinstance(distinct, int) or distinct < len(found) or (len(found) < value["k"] and distinct > len(found)):
        return None
    return Sketch(tuple(sorted(found)), distinct)


@dataclass(frozen=True)
class Overlap:
    """How many rows two datasets share, of the rows that the sketches are of.

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
    """What `here` and `there` share, as their sketches tell.

    Of the hashes up to the least bound of the two, each side's are all known: a fair draw of its rows, each of which is in the
    other side or not. Of a dataset a hundred times smaller than the other few are that small, and the error says so.
    """
    bounds = [side.hashes[-1] for side in (here, there) if not side.whole]
    drawn = [frozenset(item for item in side.hashes if not bounds or item <= min(bounds)) for side in (here, there)]
    both = len(drawn[0] & drawn[1])
    if not bounds:
        return Overlap(both, both / max(here.distinct, 1), both / max(there.distinct, 1), True, 0.0, 0.0)
    larger, side = max((len(drawn[0]), here), (len(drawn[1]), there), key=lambda pair: pair[0])
    rows = min(round(both / larger * side.distinct), here.distinct, there.distinct)
    shares = [(both / len(held), _error(both, len(held))) if held else (0.0, 1.0) for held in drawn]
    return Overlap(rows, shares[0][0], shares[1][0], False, shares[0][1], shares[1][1])


def _error(both: int, drawn: int) -> float:
    """Where none or all of the rows drawn are shared, the error is at most about that of one more."""
    share = both / drawn
    return min(math.sqrt(max(share * (1 - share), 1 / drawn) / drawn), 1.0)
