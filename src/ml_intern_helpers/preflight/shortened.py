"""The text form says each thing once; the JSON answer keeps every item whole."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.preflight.checklist import LINES

Row = dict[str, Any]
_CODES = {line.id: line.codes for line in LINES}


def checklist_rows(items: list[Row], findings: list[Finding]) -> list[Row]:
    """The checklist's items as they are printed: a line that a finding spells out names it, equal unknowns are one line."""
    rows: list[Row] = []
    for item in items:
        first = next((row for row in rows if item["state"] == "unknown" and _same(row, item)), None)
        if first is None:
            rows.append({**item, "labels": [item["label"]], "reason": _pointed(item, findings)})
        else:
            first["labels"].append(item["label"])
    return [{**row, "label": _joined(row["labels"])} for row in rows]


def _same(row: Row, item: Row) -> bool:
    return (row["state"], row["reason"]) == (item["state"], item["reason"])


def _pointed(item: Row, findings: list[Finding]) -> str | None:
    """`LOG101, below` where findings say why the line failed, else its own reason."""
    reason: str | None = item["reason"]
    told = [one.code for one in findings if reason and one.code in _CODES.get(item["id"], ()) and one.message[:80] in reason]
    return f"{', '.join(dict.fromkeys(told))}, below" if told else reason


def _joined(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{len(labels)} lines ({', '.join(labels)})"


def without_repeats(findings: list[Finding]) -> list[Finding]:
    """A source line is quoted at the first of its findings."""
    seen: set[tuple[str | None, int | None, str | None]] = set()
    shown = []
    for finding in findings:
        quoted = (finding.file, finding.line, finding.evidence)
        shown.append(finding._replace(evidence=None) if quoted in seen else finding)
        seen.add(quoted)
    return shown


def collapsed(unknowns: list[Row]) -> list[tuple[int | None, str]]:
    """(first line, reason) of what could not be told, equal reasons as one with their count."""
    places: dict[str, list[int | None]] = {}
    for one in unknowns:
        places.setdefault(one["reason"], []).append(one["line"])
    return [(lines[0], reason if len(lines) == 1 else f"{reason} ({len(lines)} times)") for reason, lines in places.items()]
