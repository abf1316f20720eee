"""The full scan's own lines of the text report; what it found wrong stands among the findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.text import human_bytes

MOST_PATTERNS, MOST_LABELS = 5, 8


def full_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The full scan, and the launch of one elsewhere."""
    yield from _scan_lines(fields["full"], fields["looked_at"])
    launch = fields["on_jobs"]
    if launch:
        yield f"\nfull scan on HF Jobs ({launch['note']}):"
        yield f"    {launch['command']}"
        yield f"  {launch['script']} was written here: it carries this audit, since the package is on no index"


def _scan_lines(full: dict[str, Any] | None, at: dict[str, Any]) -> Iterator[str]:
    """Rows and bytes, then orders of speakers, lengths, labels, what splits share, and what all this is not; nothing without a
    full scan."""
    if not full:
        return
    yield f"\nfull scan (DuckDB): all {full['rows']:,} rows, {human_bytes(full['bytes_read'])} in {full['seconds']:.1f} s"
    if full["role_patterns"]:
        shown = [f"{pattern or 'no turns'}: {rows:,}" for pattern, rows in full["role_patterns"][:MOST_PATTERNS]]
        yield f"  orders of speakers: {'; '.join(shown)}{_more(len(full['role_patterns']), MOST_PATTERNS)}"
    length = full["length_histogram"]
    if length:
        figures = ", ".join(f"{word} {length[word]:,}" for word in ("min", "median", "p95", "p99", "max"))
        yield f"  characters of {length['of']}, all rows: {figures}"
    if full["label_counts"]:
        shown = [f"{label!r} {rows:,}" for label, rows in list(full["label_counts"].items())[:MOST_LABELS]]
        yield f"  labels: {', '.join(shown)}{_more(len(full['label_counts']), MOST_LABELS)}"
    for leak in full["leakage"]:
        told = f"{leak['same_rows']:,} same rows, {leak['same_questions']:,} same questions"
        yield f"  shared with split {leak['split']} ({leak['rows']:,} rows): {told}"
    if not at["complete"]:
        yield f"  of the {at['rows_sampled']:,} sampled rows alone: near copies, languages, tokens, verdicts and mapping"


def _more(count: int, most: int) -> str:
    return f" … {count - most} more in --json" if count > most else ""
