"""What a full scan knows of all rows that a decision rests on: how many have a fault, and how many have one of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Code of the sample's finding -> code under which the scan counts the same rows.
_SAME = {"SET214": "SET308"}
#: Codes that are counted more widely than their filter drops: entities in texts (SET314) are unescaped, not dropped.
_WIDER = frozenset({"SET314"})


@dataclass(frozen=True)
class Whole:
    """Counts over every row of the split.

    Attributes:
        rows: all rows.
        counts: code -> rows that have the fault.
        together: each set of faults that some row has, with the rows that have just these; copies (SET307) are no fault here.
        nulls: column -> its nulls.
    """

    rows: int
    counts: dict[str, int]
    together: tuple[tuple[frozenset[str], int], ...]
    nulls: dict[str, int]

    def rows_with(self, code: str) -> int | None:
        """Rows with the fault that the sample calls `code`; None where the scan has counted none, or does not count it."""
        return self.counts.get(_SAME.get(code, code))

    def counts_what_goes(self, code: str) -> bool:
        """Whether the count of `code` is that of the rows its filter drops."""
        return code not in _WIDER and self.rows_with(code) is not None

    def share(self, codes: Iterable[str]) -> float:
        """The share of all rows with any of the faults `codes`; a row with two of them counts once."""
        wanted = {_SAME.get(code, code) for code in codes}
        wanted |= {"SET310"} if "SET309" in wanted else set()  # one filter takes both
        return sum(rows for held, rows in self.together if held & wanted) / self.rows


def whole(counted: dict[str, Any], together: Iterable[tuple[frozenset[str], int]]) -> Whole:
    """From the `full` object of the report, and the faults that rows have together."""
    counts = {code: found["rows"] for code, found in counted["counts"].items()}
    nulls = {name: found["nulls"] for name, found in counted["columns"].items() if found["nulls"]}
    return Whole(counted["rows"], counts, tuple(together), nulls)
