"""The report as text: the verdict in the first line, then the mapping, then what it rests on."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.report import Report
from ml_intern_helpers.dataset.full.options import full_lines
from ml_intern_helpers.dataset.rendering.data import (
    card_lines,
    column_lines,
    finding_lines,
    page_lines,
    row_lines,
    split_lines,
)
from ml_intern_helpers.dataset.rendering.decision import decision_lines, length_lines
from ml_intern_helpers.dataset.rendering.verdicts import (
    comparison_lines,
    headline,
    load_lines,
    looked_at,
    mapping_lines,
    trained_on,
    verdict_lines,
)

Fields = dict[str, Any]


def render(report: Report) -> str:
    """Plain text for Claude and for pipes."""
    fields = report.fields
    instead = fields["card_markdown"] or fields["explanation"]
    if instead:
        return str(instead)
    lines = [*comparison_lines(fields), headline(fields), looked_at(fields)]
    lines += decision_lines(fields)
    lines += load_lines(fields)
    lines += mapping_lines(fields)
    lines += verdict_lines(fields)
    lines += trained_on(fields)
    lines += full_lines(fields)
    lines += length_lines(fields)
    lines += split_lines(fields)
    lines += column_lines(fields)
    lines += finding_lines(report)
    lines += card_lines(fields)
    lines += row_lines(fields)
    lines += page_lines(fields)
    return "\n".join(lines)
