"""The decision and the lengths as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.dataset.decision import TITLES

Fields = dict[str, Any]


def decision_lines(fields: Fields) -> Iterator[str]:
    """`GO WITH FILTERS for sft (all 40 rows): 36 are left`, why, and the filter code."""
    told = fields["decision"]
    method = f" for {told['method']}" if told["method"] else ""
    left = f"; filters leave {told['rows_out']:,}" if told["filters"] else ""
    yield f"decision: {TITLES[told['word']]}{method} ({_based(fields)}{left})"
    yield from (f"  - {reason}" for reason in told["reasons"])
    if told["filter_code"]:
        taken = ", ".join(f"{item['code']} {item['rows_removed']:,}{_of_all(item)}" for item in told["filters"])
        of_all = "; in brackets, how many of all rows have the fault" if fields["decision"]["based_on"] == "full scan" else ""
        yield f"\nfilters (run on these rows and checked afterwards; rows taken: {taken}{of_all}):"
        yield from (f"    {line}" for line in told["filter_code"].splitlines())


def all_rows(count: int) -> str:
    """`all 60 rows`."""
    return f"all {count:,} rows" if count != 1 else "the only row"


def _based(fields: Fields) -> str:
    """What the decision rests on. After a full scan of more than the sample: shares of all rows, filters tried on the sample."""
    told = fields["decision"]
    if told["based_on"] == "all rows":
        return all_rows(told["rows_in"])
    sampled = f"{told['rows_in']:,} sampled rows"
    if told["based_on"] == "full scan":
        return f"faults counted over all {fields['full']['rows']:,} rows, mapping and filters run on {sampled}"
    return f"from {sampled}"


def _of_all(item: Fields) -> str:
    return "" if item["rows_of_all"] is None else f" ({item['rows_of_all']:,})"


def length_lines(fields: Fields) -> Iterator[str]:
    """Tokens, the share that each usual `max_length` cuts, and the one to take; characters are told by method."""
    at = fields["lengths"]["tokens"]
    if not at:
        return
    by = f" by {at['model']}" + (f" at {at['revision'][:12]}" if at["revision"] else "") if at["model"] else ""
    how = ", with its chat template" if at["template"] else ""
    figures = ", ".join(f"{word} {at[word]:,}" for word in ("min", "median", "p95", "p99", "max"))
    yield f"tokens{by}{how}, of {at['of']} in {at['rows']:,} rows: {figures}"
    cut = ", ".join(f"{most} cuts {share:.1%}" for most, share in at["cut"].items() if share) or "no usual max_length cuts a row"
    yield f"max_length: {cut}" + _advice(at["recommended_max_length"], at["cut"])


def _advice(best: int | None, cut: dict[str, float]) -> str:
    if best:
        return f"; take {best} (leaves 99% of the rows whole)"
    return "; none leaves 99% of the rows whole" if all(share > 0.01 for share in cut.values()) else ""
