"""The report for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    asked,
    comparison_lines,
    headline,
    load_lines,
    looked_at,
    other_methods,
    trained_on,
)
from ml_intern_helpers.dataset.verdicts import TITLES

if TYPE_CHECKING:
    from rich.console import Console

Fields = dict[str, Any]


def render_human(report: Report, console: Console) -> None:
    """For people: the same, with the verdicts and the mapping set off."""
    fields = report.fields
    instead = fields["card_markdown"] or fields["explanation"]
    if instead:
        console.print(instead, markup=False)
        return
    for line in comparison_lines(fields):
        console.print(line, markup=False)
    _verdicts_for_people(fields, console)
    for part in (
        decision_lines(fields),
        load_lines(fields),
        trained_on(fields),
        length_lines(fields),
        full_lines(fields),
        split_lines(fields),
        column_lines(fields),
        finding_lines(report),
        card_lines(fields),
        row_lines(fields),
        page_lines(fields),
    ):
        if text := "\n".join(part):
            console.print(text, markup=False)


def _verdicts_for_people(fields: Fields, console: Console) -> None:
    from rich.markup import escape
    from rich.syntax import Syntax
    from rich.table import Table

    console.print(f"[bold]{escape(headline(fields))}[/bold]\n{escape(looked_at(fields))}\n")
    table = Table("method", "verdict", "why")
    colours = {"ready": "green", "needs_mapping": "yellow", "incompatible": "red", "unknown": "magenta"}
    for name, verdict in asked(fields):
        word = verdict["verdict"]
        table.add_row(name, f"[{colours[word]}]{TITLES[word]}[/]", escape(verdict["reason"]))
    console.print(table)
    if fields["method"]:
        console.print(other_methods(fields), markup=False)
    for name, verdict in asked(fields):
        if verdict["mapping"]:
            console.print(f"\nmapping for {name}, run on {verdict['mapping_rows_in']} rows:")
            console.print(Syntax(verdict["mapping"], "python", background_color="default", word_wrap=True))
