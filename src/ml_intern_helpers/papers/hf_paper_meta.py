"""hf_paper_meta: what the Hub has around papers (code, models, datasets, Spaces, collections), with their citation counts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import plural
from ml_intern_helpers.papers.crawl_text import STRANGERS
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.metadata import PARTS, Metadata, gather
from ml_intern_helpers.papers.model import Limits, render_sources, sources
from ml_intern_helpers.papers.services.hub import KINDS

if TYPE_CHECKING:
    from rich.console import Console

SUMMARY = "Show what the Hugging Face Hub has around a paper: code, models, datasets, Spaces, collections."
EPILOG = """\
examples:
  hf_paper_meta 2505.09388
  hf_paper_meta https://arxiv.org/abs/2305.18290 2106.09685 --limit 20 --json
  hf_paper_meta 2305.18290 --kind models --kind datasets
ids: 2505.09388, arXiv:…, an arxiv.org or huggingface.co/papers address; a version is dropped (the Hub keeps one page)
A part that could not be had is null in --json and "could not tell" in text, never an empty list."""

MAX_IDS = 20
MAX_LIMIT = 100
_NOUNS = {"models": "model", "datasets": "dataset", "spaces": "Space", "collections": "collection"}
EMPTY_FIELDS: dict[str, Any] = {"papers": None, "found": None, "not_found": None, "sources": []}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="+", help="arXiv id or address, up to 20")
    parser.add_argument("--kind", action="append", choices=PARTS, default=[], help="only this part (repeatable; default: all)")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="of each kind, 1 to 100 (default 5)")
    parser.add_argument("--full", action="store_true", help="whole abstract, all authors")


def run(args: argparse.Namespace, context: Context) -> Report:
    """Ask for everything side by side, then say what was found and what could not be had."""
    if not 1 <= args.limit <= MAX_LIMIT:
        raise UsageError(f"--limit {args.limit} is not between 1 and {MAX_LIMIT}", hint="see `hf_paper_meta --help`")
    ids = list(dict.fromkeys(require_id(text).base for text in args.id))
    if len(ids) > MAX_IDS:
        raise UsageError(f"{len(ids)} ids, at most {MAX_IDS} at once", hint="split the list")
    context.progress("asking the Hub …")
    found, notes = gather(context.http, ids, args.limit, [part for part in PARTS if part in args.kind] or PARTS)
    if not any(meta.responses for meta in found) and found[0].errors:
        raise found[0].errors[0]
    missing = [meta.arxiv_id for meta in found if meta.exists is False]
    if len(missing) == len(found):
        raise NotFound(f"neither the Hub nor arXiv has a paper {', '.join(missing)}", hint="check the id: crawl_arxiv finds it")
    for meta in found:
        notes += [f"{meta.arxiv_id}: {note}" for note in meta.messages() if meta.exists is not False]
    for note in notes:
        context.warn(note)
    return _report(found, missing, Limits(None, None) if args.full else Limits(abstract=1500, authors=10))


def _report(found: list[Metadata], missing: list[str], limits: Limits) -> Report:
    answered = {id(response): response for meta in found for response in meta.responses}
    fields = {
        "papers": [meta.to_dict(limits) for meta in found],
        "found": len(found) - len(missing),
        "not_found": missing,
        "sources": sources(answered.values()),
    }
    complete = not missing and not any(meta.failed for meta in found)
    return Report("hf_paper_meta", "ok" if complete else "unknown", fields=fields)


def render(report: Report) -> str:
    """The report as text for Claude."""
    fields = report.fields
    lines = [_headline(fields), STRANGERS, ""]
    for row in fields["papers"]:
        if row["exists"] is not False:
            lines += [*_block(row), ""]
    return "\n".join([*lines, render_sources(fields["sources"])])


def render_human(report: Report, console: Console) -> None:
    """The report for a person at a terminal: a heading and a table of repositories per paper."""
    from rich.table import Table
    from rich.text import Text

    fields = report.fields
    console.print(_headline(fields), style="bold", markup=False)
    for row in fields["papers"]:
        if row["exists"] is False:
            continue
        console.print(f"\n{row['title'] or '(title unknown)'}", style="bold", markup=False)
        code = (row["code"] or {}).get("repository") or ("no code linked" if row["code"] else "code: could not tell")
        console.print(f"{row['links']['abs']}  {code}", markup=False)
        table = Table("what", "name", "downloads (30 days)", "likes", box=None, header_style="dim", pad_edge=False)
        for part in (part for part in KINDS if part in row["asked"]):
            if row[part] is None:
                table.add_row(part, "could not tell", "", "")
            for item in (row[part] or {"items": []})["items"]:
                counts = [Text("-" if item[name] is None else f"{item[name]:,}") for name in ("downloads", "likes")]
                table.add_row(part, Text(item["id"]), *counts)
        console.print(table)
    console.print(render_sources(fields["sources"]), style="dim", markup=False)


def _headline(fields: dict[str, Any]) -> str:
    """What there is around the paper, in one line; for several, how many were found."""
    rows = [row for row in fields["papers"] if row["exists"] is not False]
    if len(fields["papers"]) == 1:
        row = rows[0]
        if row["code"] is None:
            code = "code unknown"
        else:
            code = "code" if row["code"]["repository"] else "no code linked"
        counts = [_count(row, part) for part in _NOUNS if part in row["asked"]] or [_citations(row) or ""]
        return f"arXiv:{row['arxiv_id']}: {', '.join(filter(None, [code, *counts]))}"
    missing = f"; not found: {', '.join(fields['not_found'])}" if fields["not_found"] else ""
    unsure = sum(bool(row["failed"]) for row in rows)
    return f"{plural(len(rows), 'paper')}{missing}" + (f"; parts of {unsure} could not be had" if unsure else "")


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
    for part in _NOUNS:
        if part in row["asked"]:
            lines += _part(row, part)
    return lines


def _facts(row: dict[str, Any]) -> str:
    others = row["authors_total"] - len(row["authors"])
    authors = ", ".join(row["authors"]) + (f" +{others}" if others else "")
    upvotes = plural(row["upvotes"], "upvote") if row["upvotes"] is not None else None
    where = row["links"]["hf"] if row["indexed_on_hub"] else row["links"]["abs"]
    described = f"described by {row['described_by']}" if row["described_by"] else "no description could be had"
    return " | ".join(part for part in [row["published"], authors, upvotes, _citations(row), described, where] if part)


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
    number = item["parameters"]
    if number is not None:
        number = f"{number / 1e9:.2f}B" if number >= 10**8 else f"{number / 1e6:.1f}M"
    parts = [
        None if item["downloads"] is None else f"{plural(item['downloads'], 'download')} in 30 days",
        None if item["likes"] is None else plural(item["likes"], "like"),
        item["task"],
        item["library"],
        f"licence {item['license']}" if item["license"] else None,
        None if number is None else f"{number} parameters",
        f"gated ({item['gated']})" if item["gated"] else None,
        None if item["last_modified"] is None else f"changed {item['last_modified']}",
    ]
    return f"{item['id']}: " + (", ".join(part for part in parts if part) or "no figures")


def _collection(item: dict[str, Any]) -> str:
    parts = [f"by {item['owner']}" if item["owner"] else None]
    parts.append(None if item["upvotes"] is None else plural(item["upvotes"], "upvote"))
    return f"{item['title']}: " + ", ".join([*(part for part in parts if part), item["url"]])
