"""A bottom-k sketch: the smallest hashes of a dataset's rows, from which two datasets tell how many rows they share.

The smallest `k` of all hashes are a fair draw of the distinct rows, and the same draw in every dataset: what two sketches
share estimates what the datasets share (Broder 1997). A dataset with fewer than `k` distinct rows has all of them in its
sketch, and two such are compared exactly.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Hashes kept. The standard error of an estimated share of one half is 1 / (2 * sqrt(K)): 3 points.
K = 256
#: Bytes of MD5 that are kept of each: DuckDB, too, has `md5`. Among ten million rows a chance meeting is rare (0.0002 %).
HASH_BYTES = 6


def row_hash(text: str) -> int:
    """The hash of a normalised row."""
    return int.from_bytes(hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()[:HASH_BYTES], "big")


@dataclass(frozen=True)
class Sketch:
    """The smallest hashes of distinct rows.

    Attributes:
        hashes: ascending, at most `K`.
        distinct: how many distinct rows there are.
    """

    hashes: tuple[int, ...]
    distinct: int

    @property
    def whole(self) -> bool:
        """The hashes kept are all there are."""
        return len(self.hashes) == self.distinct

    def to_json(self) -> dict[str, Any]:
        """The JSON form; the hashes are packed, for nobody reads them."""
        packed = b"".join(item.to_bytes(HASH_BYTES, "big") for item in self.hashes)
        return {"k": K, "distinct_rows": self.distinct, "hashes": base64.b64encode(packed).decode()}


def sketch(hashes: Iterable[int]) -> Sketch:
    """The sketch of rows with these hashes, repeated ones counting once."""
    distinct = set(hashes)
    return Sketch(tuple(heapq.nsmallest(K, distinct)), len(distinct))


def from_json(value: object) -> Sketch | None:
    """A sketch that was written down, or None when this is none."""
    if not isinstance(value, dict) or value.get("k") != K or not isinstance(value.get("hashes"), str):
        return None
    try:
        packed = base64.b64decode(value["hashes"], validate=True)
    except ValueError:
        return None
    found = {int.from_bytes(packed[at : at + HASH_BYTES], "big") for at in range(0, len(packed), HASH_BYTES)}
    distinct = value.get("distinct_rows")
    whole = len(packed) == len(found) * HASH_BYTES and 0 < len(found) <= K
    if not whole or not isinstance(distinct, int) or distinct < len(found) or (len(found) < K and distinct > len(found)):
        return None
    return Sketch(tuple(sorted(found)), distinct)


@dataclass(frozen=True)
class Overlap:
    """How many rows two datasets share, of the rows looked at.

    Attributes:
        rows: distinct rows in both.
        of_here, of_there: their share of each side's distinct rows, 0 to 1.
        exact: counted, not estimated.
        error: standard error of `of_here` and `of_there` (about), 0 when counted.
    """

    rows: int
    of_here: float
    of_there: float
    exact: bool
    error: float


def counted(here: set[int], there: set[int]) -> Overlap:
    """The overlap of rows whose hashes are all at hand."""
    shared = len(here & there)
    return Overlap(shared, shared / max(len(here), 1), shared / max(len(there), 1), True, 0.0)


def overlap(here: Sketch, there: Sketch) -> Overlap:
    """What `here` and `there` share, as their sketches tell."""
    if here.whole and there.whole:
        return counted(set(here.hashes), set(there.hashes))
    united = heapq.nsmallest(K, {*here.hashes, *there.hashes})
    both = {*here.hashes} & {*there.hashes}
    alike = sum(item in both for item in united) / len(united)
    rows = min(round(alike * (here.distinct + there.distinct) / (1 + alike)), here.distinct, there.distinct)
    # Where none or all of the hashes are shared, the error is at most about that of one more.
    error = math.sqrt(max(alike * (1 - alike), 1 / len(united)) / len(united))
    return Overlap(rows, rows / here.distinct, rows / there.distinct, False, error)
