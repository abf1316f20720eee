"""The same answers for a person at a terminal: rich tables. Strangers' text goes in as `Text`, never as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers import crawl_text, meta_text
from ml_intern_helpers.papers.search import answer_text as search_text
from ml_intern_helpers.papers.sources import render_sources
from ml_intern_helpers.papers.walk import answer_text as walk_text

if TYPE_CHECKING:
    from rich.console import Console


def crawl(report: Report, console: Console) -> None:
    """Papers as a table; one paper in full, as in the text form."""
    fields = report.fields
    if fields.get("reading") or fields.get("graph") or fields.get("notes") is not None:
        console.print(crawl_text.render(report), markup=False)
        return
    console.print(crawl_text.headline(fields), style="bold", markup=False)
    for line in [*walk_text.files(fields), *search_text.services(fields)]:
        console.print(line, style="dim", markup=False)
    if fields["search_query"]:
        console.print(f"searched: {fields['search_query']}", style="dim", markup=False)
    rows = fields["papers"] or []
    if fields["mode"] == "details":
        for number, row in enumerate(rows, start=1):
            console.print("\n".join(crawl_text.block(number, row)), markup=False)
    elif rows:
        titles = ["paper", "date", "title", *(["cited (* influential)"] if fields["paper"] else [])]
        _table(console, titles, [_paper_cells(row)[: len(titles)] for row in rows])
    for line in [*crawl_text.advice(fields), *crawl_text.sources(fields)]:
        console.print(line, style="dim", markup=False)


def meta(report: Report, console: Console) -> None:
    """One heading and one table of repositories per paper."""
    fields = report.fields
    console.print(meta_text.headline(fields), style="bold", markup=False)
    for row in fields["papers"]:
        if row["exists"] is False:
            continue
        console.print(f"\n{row['title'] or '(title unknown)'}", style="bold", markup=False)
        code = (row["code"] or {}).get("repository") or ("no code linked" if row["code"] else "code: could not tell")
        console.print(f"{row['links']['abs']}  {code}", markup=False)
        _table(console, ["what", "name", "downloads (30 days)", "likes"], _repo_cells(row))
    console.print(render_sources(fields["sources"]), style="dim", markup=False)


def _paper_cells(row: dict[str, Any]) -> list[str]:
    edge = row["citation"] or {}
    count = "" if row["citation_count"] is None else f"{row['citation_count']:,}"
    mark = " *" if edge.get("is_influential") else ""
    title = f"WITHDRAWN {row['title']}" if row["withdrawn"] else row["title"]
    return [row["arxiv_id"] or "-", row["published"] or str(row["year"] or "-"), title, count + mark]


def _repo_cells(row: dict[str, Any]) -> list[list[str]]:
    cells: list[list[str]] = []
    for part in ("models", "datasets", "spaces"):
        if part not in row["asked"]:
            continue
        if row[part] is None:
            cells.append([part, "could not tell", "", ""])
        for item in (row[part] or {"items": []})["items"]:
            cells.append([part, item["id"], _number(item["downloads"]), _number(item["likes"])])
    return cells


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _table(console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*titles, box=None, header_style="dim", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
