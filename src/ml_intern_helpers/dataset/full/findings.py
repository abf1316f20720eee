"""What the full scan found, as findings; they take the place of the sample's of the same code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.definitions.limits import LEAST_ROWS, REFUSAL_SHARE, SMALL_CLASS_SHARE
from ml_intern_helpers.dataset.full.flags import Flag
from ml_intern_helpers.dataset.thumbs import desirable

Counts = dict[str, Any]


def told(dataset: str, code: str, severity: Severity, message: str, found: Counts, rows: int, fix: str | None) -> Finding:
    """A finding over all rows: count, share, row numbers, one example."""
    numbers = found["row_numbers"]
    shown = ", ".join(map(str, numbers[:5])) + (" …" if found["rows"] > 5 else "")
    evidence = f"{found['rows']:,} of all {rows:,} rows ({found['share']:.2%}): row {shown}"
    if found["example"]:
        evidence += f"; e.g. {clean(found['example'], limit=120)!r}"
    return Finding(code, severity, message, clean(dataset, limit=200), numbers[0] if numbers else None, None, evidence, fix)


def of_flag(dataset: str, flag: Flag, found: Counts, rows: int) -> Finding:
    """The finding for one flag that was up somewhere."""
    severity = flag.severity
    if flag.code == "SET318" and found["rows"] < REFUSAL_SHARE * rows:
        severity = "info"
    if found["rows"] == rows and flag.code in ("SET302", "SET303"):
        severity = "error"
    return told(dataset, flag.code, severity, flag.message, found, rows, flag.fix)


def of_labels(dataset: str, column: str, labels: dict[str, int], values: Iterable[Any], rows: int) -> list[Finding]:
    """SET304 and SET317: all rows of one class, or next to none of the other. `values` are labels as the sample has them."""
    good = desirable(values)
    by_text = {_as_text(value): is_good for value, is_good in good.items()} if good else {}
    yes = sum(found for label, found in labels.items() if by_text.get(label.lower()) is True)
    no = sum(found for label, found in labels.items() if by_text.get(label.lower()) is False)
    if not by_text or yes + no < sum(labels.values()):
        return []
    shown = f"{clean(column, limit=60)!r}"
    if min(yes, no) == 0:
        message = f"every {shown} in the data says the same: {next(iter(labels))!r}"
        every = {"rows": yes + no, "share": 1.0, "row_numbers": [1], "example": None}
        return [told(dataset, "SET304", "error", message, every, rows, None)]
    if yes + no >= LEAST_ROWS and min(yes, no) < SMALL_CLASS_SHARE * (yes + no):
        few = {"rows": min(yes, no), "share": min(yes, no) / (yes + no), "row_numbers": [], "example": None}
        message = f"{shown}: {yes:,} rows desirable, {no:,} undesirable"
        weight = f"desirable_weight={1.15 * no / yes:.2f}" if yes < no else f"undesirable_weight={0.87 * yes / no:.2f}"
        return [told(dataset, "SET317", "warning", message, few, rows, f"KTOConfig({weight})")]
    return []


def _as_text(value: Any) -> str:
    return str(value).lower()  # CSV files spell true in many ways


def merged(sample: list[Finding], full: list[Finding], counted: Counts) -> list[Finding]:
    """All findings, errors first. A code the full scan found is told once, over all rows; what it cannot see stays as it was."""
    sample, full = _nulls_once(sample, full)
    codes = {finding.code for finding in full}
    kept = [item for item in sample if item.code not in codes and not _outdated(item, counted)]
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted([*full, *kept], key=lambda item: rank[item.severity])


def _nulls_once(sample: list[Finding], full: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Nulls that a trainer stops at (SET214) are told with the count over all rows, and not again as SET308."""
    nulls = {item.message: item for item in full if item.code == "SET308"}
    counted = {id(item): nulls.get(item.message.rpartition(" (")[0]) for item in sample if item.code == "SET214"}
    said = {found.message for found in counted.values() if found}
    told = [item._replace(line=at.line, evidence=at.evidence) if (at := counted.get(id(item))) else item for item in sample]
    return told, [item for item in full if item.code != "SET308" or item.message not in said]


def _outdated(item: Finding, counted: Counts) -> bool:
    """Whether all rows say otherwise than the sample: a column does change, the labels are not of one class."""
    if item.code == "SET315":
        named = [column for name, column in counted["columns"].items() if repr(name) in item.message]
        return bool(named) and all(column["distinct"] > 1 or column["nulls"] for column in named)
    return item.code in ("SET304", "SET317") and counted["label_counts"] is not None
