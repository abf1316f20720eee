"""The command `hf_paper_meta`: lists the code, models, datasets, Spaces and collections of papers on the Hub, and citations.

All requests of all papers are made in parallel. Each may fail by itself: that part is null, and a warning names it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import plural
from ml_intern_helpers.papers.crawl_text import STRANGERS
from ml_intern_helpers.papers.ids import ArxivId, require_id
from ml_intern_helpers.papers.model import Limits, Paper, render_sources, sources
from ml_intern_helpers.papers.services import arxiv, hub
from ml_intern_helpers.papers.services.hub import KINDS, Collection, HubPaper, Kind, ListPage, Repo
from ml_intern_helpers.papers.services.openalex import CitationCounts, citation_counts
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB

if TYPE_CHECKING:
    from rich.console import Console

SUMMARY = "Show what the Hugging Face Hub has around a paper: code, models, datasets, Spaces, collections."
EPILOG = """\
examples:
  hf_paper_meta 2505.09388
  hf_paper_meta https://arxiv.org/abs/2305.18290 2106.09685 --limit 20 --json
  hf_paper_meta 2305.18290 --kind models --kind datasets
ids: 2505.09388, arXiv:…, an arxiv.org or huggingface.co/papers address; a version is dropped (the Hub keeps one page)
A part that could not be obtained is null in --json and "could not tell" in text, never an empty list."""

MAX_IDS = 20
MAX_LIMIT = 100
_NOUNS = {"models": "model", "datasets": "dataset", "spaces": "Space", "collections": "collection"}
EMPTY_FIELDS: dict[str, Any] = {"papers": None, "found": None, "not_found": None, "sources": []}
T = TypeVar("T")
#: The parts besides the paper page itself.
PARTS = ("models", "datasets", "spaces", "collections", "citations")


@dataclass
class Metadata:
    """Everything about one paper; a part that could not be obtained is None.

    Attributes:
        parts: the requested parts, of `PARTS`.
        counted: the description by a citation service, used for its counts only.
        page: the Hub's paper page, None when there is none or the request failed.
        indexed: whether the Hub has a paper page; None when the request failed.
        paper: the description; `described_by` names its service, the Hub or arXiv.
        exists: False when neither the Hub nor arXiv knows the id; None when unknown.
        lists: repositories by tag.
        failed: parts whose request failed; `errors` has the reasons in the same order.
        notes: other messages, one line each.
    """

    arxiv_id: str
    limit: int
    parts: tuple[str, ...] = ()
    counted: Paper | None = None
    page: HubPaper | None = None
    indexed: bool | None = None
    paper: Paper | None = None
    described_by: str | None = None
    exists: bool | None = None
    lists: dict[Kind, ListPage[Repo]] = field(default_factory=dict)
    collections: ListPage[Collection] | None = None
    failed: list[str] = field(default_factory=list)
    errors: list[ToolError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def messages(self) -> list[str]:
        """The failures and the notes, with one line for all parts that failed for the same reason."""
        alike: dict[str, list[tuple[str, ToolError]]] = {}
        for part, err in zip(self.failed, self.errors, strict=True):
            alike.setdefault(err.general, []).append((part, err))
        failures = [
            f"{', '.join(part for part, _ in group)}: {general if len(group) > 1 else group[0][1].message}"
            for general, group in alike.items()
        ]
        return [*failures, *self.notes]

    def to_dict(self, limits: Limits) -> dict[str, Any]:
        """The paper's object in a `--json` answer; every key is always there."""
        paper = self.paper or Paper(title="", arxiv_id=self.arxiv_id)
        described = paper.to_dict(limits)
        if self.counted:
            counts = ("citation_count", "influential_citation_count")
            described |= {name: getattr(self.counted, name) for name in counts}
        collections = None
        if self.collections:
            items = [asdict(each) for each in self.collections.items[: self.limit]]
            total = None if self.collections.more else len(self.collections.items)
            collections = {"items": items, "total": total, "more_url": f"{HUB.base_url}/papers/{self.arxiv_id}"}
        return {
            **described,
            "title": described["title"] or None,
            "asked": list(self.parts),
            "exists": self.exists,
            "indexed_on_hub": self.indexed,
            "described_by": self.described_by,
            "upvotes": self.page.upvotes if self.page else None,
            "keywords": list(self.page.keywords) if self.page else None,
            "project_page": self.page.project if self.page else None,
            "code": {"repository": self.page.code, "stars": self.page.stars} if self.page else None,
            **{kind: self._part(kind) for kind in KINDS},
            "collections": collections,
            "failed": list(self.failed),
        }

    def _part(self, kind: Kind) -> dict[str, Any] | None:
        """`{items, total, more_url}` of one kind of repository, or None when unknown."""
        if kind not in self.parts:
            return None
        listed, linked = self.lists.get(kind), self.page.linked[kind] if self.page else ()
        # Both lists without duplicates, most used first; the list by tag has more details, so it takes precedence.
        repos = {repo.id: repo for repo in [*linked, *(listed.items if listed else ())]}
        used = (lambda repo: repo.likes or 0) if kind == "spaces" else (lambda repo: (repo.downloads or 0, repo.likes or 0))
        merged = sorted(repos.values(), key=used, reverse=True)
        # The Hub's own count, or the number listed when the list is complete.
        total = self.page.totals[kind] if self.page else None
        if total is not None:
            total = max(total, len(listed.items) if listed else 0)
        elif listed and not listed.more:
            total = len(listed.items)
        if listed is None and not merged and total != 0:
            return None
        # Spaces are linked through the models they use, so only the paper page shows all of them.
        more = f"papers/{self.arxiv_id}" if kind == "spaces" else f"{kind}?other=arxiv:{self.arxiv_id}"
        items = [asdict(repo) for repo in merged[: self.limit]]
        return {"items": items, "total": total, "more_url": f"{HUB.base_url}/{more}"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="+", help="arXiv id or address, up to 20")
    parser.add_argument("--kind", action="append", choices=PARTS, default=[], help="only this part (repeatable; default: all)")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="of each kind, 1 to 100 (default 5)")
    parser.add_argument("--full", action="store_true", help="whole abstract, all authors")


def run(args: argparse.Namespace, context: Context) -> Report:
    """The report on all papers; each part that could not be obtained is named in a warning."""
    if not 1 <= args.limit <= MAX_LIMIT:
        raise UsageError(f"--limit {args.limit} is not between 1 and {MAX_LIMIT}", hint="see `hf_paper_meta --help`")
    ids = list(dict.fromkeys(require_id(text).base for text in args.id))
    if len(ids) > MAX_IDS:
        raise UsageError(f"{len(ids)} ids, at most {MAX_IDS} at once", hint="split the list into several calls")
    context.progress("asking the Hub …")
    metas, notes = gather(context.http, ids, args.limit, [part for part in PARTS if part in args.kind] or PARTS)
    if not any(meta.responses for meta in metas) and metas[0].errors:
        raise metas[0].errors[0]
    missing = [meta.arxiv_id for meta in metas if meta.exists is False]
    if len(missing) == len(metas):
        raise NotFound(
            f"neither the Hub nor arXiv has a paper {', '.join(missing)}",
            hint="check the id, or find the paper with crawl_arxiv search",
        )
    for meta in metas:
        notes += [f"{meta.arxiv_id}: {note}" for note in meta.messages() if meta.exists is not False]
    for note in notes:
        context.warn(note)
    limits = Limits(None, None) if args.full else Limits(abstract=1500, authors=10)
    responses_by_id = {id(response): response for meta in metas for response in meta.responses}
    fields = {
        "papers": [meta.to_dict(limits) for meta in metas],
        "found": len(metas) - len(missing),
        "not_found": missing,
        "sources": sources(responses_by_id.values()),
    }
    complete = not missing and not any(meta.failed for meta in metas)
    return Report("hf_paper_meta", "ok" if complete else "unknown", fields=fields)


def gather(http: Http, arxiv_ids: Sequence[str], limit: int, parts: Sequence[str] = PARTS) -> tuple[list[Metadata], list[str]]:
    """One `Metadata` per id, and notes on all of them.

    It takes one round trip; a second goes to arXiv for papers that the Hub does not describe, and to OpenAlex for citation
    counts when Semantic Scholar fails.
    """
    calls: list[Callable[[], Any]] = []
    for arxiv_id in arxiv_ids:
        calls.append(partial(hub.paper, http, arxiv_id))
        calls += [partial(hub.repos, http, arxiv_id, kind, limit) for kind in KINDS if kind in parts]
        calls += [partial(hub.collections, http, arxiv_id, limit)] if "collections" in parts else []
    count_calls: list[Callable[[], Any]] = [partial(citation_counts, http, arxiv_ids)] if "citations" in parts else []
    outcomes = http.together([*calls, *count_calls])
    calls_per_paper = len(calls) // len(arxiv_ids)
    metas = [
        _meta(arxiv_id, limit, parts, outcomes[i * calls_per_paper : (i + 1) * calls_per_paper])
        for i, arxiv_id in enumerate(arxiv_ids)
    ]
    notes: list[str] = []
    if count_calls:  # missing counts are only noted, since the other parts do not depend on them
        counts: CitationCounts | Exception = outcomes[-1]
        if isinstance(counts, Exception):
            raise counts
        for meta in metas:
            meta.counted = counts.papers.get(meta.arxiv_id)
            meta.responses += counts.responses if meta.counted else ()
        notes += [counts.note] if counts.note else []
    _describe(http, [meta for meta in metas if meta.page is None])
    return metas, notes


def _meta(arxiv_id: str, limit: int, parts: Sequence[str], outcomes: Sequence[Any]) -> Metadata:
    meta = Metadata(arxiv_id, limit, tuple(parts))
    page = outcomes[0]
    if isinstance(page, NotFound):
        meta.indexed = False
        meta.notes.append("not indexed on the Hub, so code, upvotes and totals are unknown there")
    else:
        meta.page = _kept(meta, "paper page", page)
        meta.indexed = True if meta.page else None
    if meta.page:
        meta.paper, meta.described_by, meta.exists = meta.page.paper, HUB.name, True
    for kind, outcome in zip([kind for kind in KINDS if kind in parts], outcomes[1:], strict=False):
        listed = _kept(meta, kind, outcome)
        if listed:
            meta.lists[kind] = listed
    if "collections" in parts:
        meta.collections = _kept(meta, "collections", outcomes[-1])
    return meta


def _kept(meta: Metadata, part: str, outcome: T | Exception) -> T | None:
    """The outcome, or None with the failure recorded; any other exception is a bug and is raised."""
    if isinstance(outcome, ToolError):
        meta.failed.append(part)
        meta.errors.append(outcome)
        return None
    if isinstance(outcome, Exception):
        raise outcome
    meta.responses.append(getattr(outcome, "response"))  # noqa: B009
    return outcome


def _describe(http: Http, metas: Sequence[Metadata]) -> None:
    """Take title and abstract from arXiv for papers that the Hub did not describe, all in one request."""
    if not metas:
        return
    try:
        page = arxiv.details(http, [ArxivId(meta.arxiv_id) for meta in metas])
    except NotFound:
        page = arxiv.Page(arxiv.Feed(0, ()), ())
    except ToolError as err:
        for meta in metas:
            meta.failed.append("description")
            meta.errors.append(err)
        return
    known = {paper.arxiv_id: paper for paper in page.feed.papers}
    for meta in metas:
        meta.paper = known.get(meta.arxiv_id)
        meta.described_by = "arXiv" if meta.paper else None
        meta.exists = meta.paper is not None
        meta.responses += page.responses


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
    """A summary of one paper in one line; for several, how many were found."""
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
    return f"{plural(len(rows), 'paper')}{missing}" + (f"; parts of {unsure} could not be obtained" if unsure else "")


def _count(row: dict[str, Any], part: str) -> str:
    """`72 models`, `at least 5 models`, `models unknown`."""
    part_fields, noun = row[part], _NOUNS[part]
    if part_fields is None:
        return f"{noun}s unknown"
    if part_fields["total"] is None:
        return f"at least {plural(len(part_fields['items']), noun)}"
    return plural(part_fields["total"], noun) if part_fields["total"] else f"no {noun}s"


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
    described = f"described by {row['described_by']}" if row["described_by"] else "no description available"
    return " | ".join(part for part in [row["published"], authors, upvotes, _citations(row), described, where] if part)


def _citations(row: dict[str, Any]) -> str | None:
    if row["citation_count"] is None:
        return "citations unknown" if "citations" in row["asked"] else None
    influential = row["influential_citation_count"]
    return plural(row["citation_count"], "citation") + (f" ({influential:,} influential)" if influential else "")


def _part(row: dict[str, Any], part: str) -> list[str]:
    part_fields = row[part]
    name = _NOUNS[part] + "s"
    if part_fields is None:
        return [f"   {name}: could not tell"]
    if not part_fields["items"]:
        return (
            [f"   {name}: none"]
            if part_fields["total"] == 0
            else [f"   {name}: {part_fields['total']} at {part_fields['more_url']}"]
        )
    lines = [f"   {_count(row, part)}:"]
    lines += [f"     {_collection(item) if part == 'collections' else _repo(item)}" for item in part_fields["items"]]
    if part_fields["total"] is None or part_fields["total"] > len(part_fields["items"]):
        lines.append(f"     rest: --limit 100, or {part_fields['more_url']}")
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
