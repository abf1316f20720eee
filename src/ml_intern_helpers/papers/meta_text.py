"""What hf_paper_meta prints as text: the counts in the first line, one block per paper."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import plural
from ml_intern_helpers.papers.crawl_text import STRANGERS
from ml_intern_helpers.papers.sources import render_sources

_NOUNS = {"models": "model", "datasets": "dataset", "spaces": "Space", "collections": "collection"}


def render(report: Report) -> str:
    """The report as text for Claude."""
    fields = report.fields
    lines = [headline(fields), STRANGERS, ""]
    for row in fields["papers"]:
        if row["exists"] is not False:
            lines += [*_block(row), ""]
    return "\n".join([*lines, render_sources(fields["sources"])])


def headline(fields: dict[str, Any]) -> str:
    """What there is around the paper, in one line; for several, how many were found."""
    rows = [row for row in fields["papers"] if row["exists"] is not False]
    if len(fields["papers"]) == 1:
        listed = [_count(rows[0], part) for part in _asked(rows[0])] or [_citations(rows[0]) or ""]
        return f"arXiv:{rows[0]['arxiv_id']}: {', '.join(filter(None, [_code_count(rows[0]), *listed]))}"
    missing = f"; not found: {', '.join(fields['not_found'])}" if fields["not_found"] else ""
    unsure = sum(bool(row["failed"]) for row in rows)
    return f"{plural(len(rows), 'paper')}{missing}" + (f"; parts of {unsure} could not be had" if unsure else "")


def _asked(row: dict[str, Any]) -> list[str]:
    return [part for part in _NOUNS if part in row["asked"]]


def _code_count(row: dict[str, Any]) -> str:
    if row["code"] is None:
        return "code unknown"
    return "code" if row["code"]["repository"] else "no code linked"


def _count(row: dict[str, Any], part: str) -> str:
    """`72 models`, `at least 5 models`, `models unknown`."""
    found, noun = row[part], _NOUNS[part]
    if found is None:
        return f"{noun}s unknown"
    if found["total"] is None:
        return f"at least {plural(len(found['items']), noun)}"
    return plural(found["total"], noun) if found["total"] else f"no {noun}s"


def _block(row: dict[str, Any]) -> list[str]:
    lines = [f"[{row['arxiv_id']}] {row['title'] or '(title unknown)'}", f"   {_facts(row)}"]
    if row["withdrawn"]:
        lines.append(f"   WITHDRAWN: {row['withdrawn_evidence']}")
    if row["code"] and row["code"]["repository"]:
        stars = row["code"]["stars"]
        lines.append(f"   code: {row['code']['repository']}" + (f" ({plural(stars, 'star')})" if stars is not None else ""))
    if row["project_page"]:
        lines.append(f"   project: {row['project_page']}")
    if row["keywords"]:
        lines.append(f"   keywords (the Hub's AI): {', '.join(row['keywords'])}")
    if row["abstract"]:
        lines.append(f"   abstract: {row['abstract']}")
    for part in _asked(row):
        lines += _part(row, part)
    return lines


def _facts(row: dict[str, Any]) -> str:
    others = row["authors_total"] - len(row["authors"])
    authors = ", ".join(row["authors"]) + (f" +{others}" if others else "")
    upvotes = plural(row["upvotes"], "upvote") if row["upvotes"] is not None else None
    where = row["links"]["hf"] if row["indexed_on_hub"] else row["links"]["abs"]
    said = f"described by {row['described_by']}" if row["described_by"] else "no description could be had"
    return " | ".join(part for part in [row["published"], authors, upvotes, _citations(row), said, where] if part)


def _citations(row: dict[str, Any]) -> str | None:
    if row["citation_count"] is None:
        return "citations unknown" if "citations" in row["asked"] else None
    influential = row["influential_citation_count"]
    return plural(row["citation_count"], "citation") + (f" ({influential:,} influential)" if influential else "")


def _part(row: dict[str, Any], part: str) -> list[str]:
    """The lines of one kind: `models (72): …`."""
    found = row[part]
    name = _NOUNS[part] + "s"
    if found is None:
        return [f"   {name}: could not tell"]
    if not found["items"]:
        return [f"   {name}: none"] if found["total"] == 0 else [f"   {name}: {found['total']} at {found['more_url']}"]
    lines = [f"   {_count(row, part)}:"]
    lines += [f"     {_collection(item) if part == 'collections' else _repo(item)}" for item in found["items"]]
    if found["total"] is None or found["total"] > len(found["items"]):
        lines.append(f"     rest: --limit 100, or {found['more_url']}")
    return lines


def _repo(item: dict[str, Any]) -> str:
    parts = [
        None if item["downloads"] is None else f"{plural(item['downloads'], 'download')} in 30 days",
        None if item["likes"] is None else plural(item["likes"], "like"),
        item["task"],
        item["library"],
        f"licence {item['license']}" if item["license"] else None,
        None if item["parameters"] is None else f"{_short(item['parameters'])} parameters",
        f"gated ({item['gated']})" if item["gated"] else None,
        None if item["last_modified"] is None else f"changed {item['last_modified']}",
    ]
    return f"{item['id']}: " + (", ".join(part for part in parts if part) or "no figures")


def _collection(item: dict[str, Any]) -> str:
    parts = [f"by {item['owner']}" if item["owner"] else None]
    parts.append(None if item["upvotes"] is None else plural(item["upvotes"], "upvote"))
    return f"{item['title']}: " + ", ".join([*(part for part in parts if part), item["url"]])


def _short(number: int) -> str:
    """`751632384` -> `0.75B`."""
    return f"{number / 1e9:.2f}B" if number >= 10**8 else f"{number / 1e6:.1f}M"
