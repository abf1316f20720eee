"""The answers of crawl_arxiv that list papers: a search, details of ids, what is trending, citations and references."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers import arxiv, query
from ml_intern_helpers.papers import crawl_checks as checks
from ml_intern_helpers.papers.ids import ArxivId, require_id
from ml_intern_helpers.papers.model import Citation, Limits, Paper
from ml_intern_helpers.papers.sources import sources

SEARCH_LIMITS = Limits()
DETAIL_LIMITS = Limits(abstract=4000, authors=20, contexts=2)
FULL_LIMITS = Limits(abstract=None, authors=None, contexts=None)


def run(words: str, args: argparse.Namespace, context: Context) -> Report:
    """Do what the arguments name; the keys of other kinds of answers are left to the caller."""
    ids = [require_id(text) for text in args.id] or ([] if args.trending else checks.ids_of(args.query))
    checks.check_lists(args, graph_mode=bool(args.citations or args.references), details=bool(ids))
    if args.citations or args.references:
        return _run_graph(args, context)
    if ids:
        return _run_details(ids, args, context)
    return _run_search_of_all(words, args, context) if checks.asks_all(words, args) else _run_search(words, args, context)


def _run_search_of_all(words: str, args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers.search import answer

    limits = FULL_LIMITS if args.full else SEARCH_LIMITS
    fields, _ = answer.fields(args, context, words, limits)
    # Nothing found is an answer only when everybody has looked.
    unsure = not fields["matching"] and not all(each["answered"] for each in fields["services"])
    return Report("crawl_arxiv", "unknown" if unsure else "ok", fields=fields)


def _run_search(words: str, args: argparse.Namespace, context: Context) -> Report:
    sort = args.sort or "relevance"
    search_query = query.build(words, categories=args.category, since=args.since, until=args.until)
    context.progress("asking arXiv …")
    page = arxiv.search(context.http, search_query, start=args.start, max_results=args.limit, sort=sort)
    papers = page.feed.papers[: args.limit]
    if len(page.responses) > 1 and papers:
        context.warn(f"arXiv sent an empty page first; these came on try {len(page.responses)}")
    limits = FULL_LIMITS if args.full else SEARCH_LIMITS
    fields = _fields("search", [_row(paper, None, limits) for paper in papers], page.feed.total, args.start)
    fields |= {"query": clean(words), "search_query": search_query, "sort": sort, "sources": sources(page.responses[-1:])}
    return Report("crawl_arxiv", fields={**fields, "matching": page.feed.total})


def _run_details(ids: Sequence[ArxivId], args: argparse.Namespace, context: Context) -> Report:
    if len(ids) > checks.MAX_RESULTS:
        raise UsageError(f"{len(ids)} ids, at most {checks.MAX_RESULTS} at once", hint="split the list")
    context.progress("asking arXiv …")
    page = arxiv.details(context.http, ids)
    papers = page.feed.papers
    found = {(paper.arxiv_id, version) for paper in papers for version in (None, paper.version)}
    missing = [str(paper_id) for paper_id in ids if (paper_id.base, paper_id.version) not in found]
    if not papers:
        raise NotFound(
            f"arXiv has no paper {', '.join(missing)}", hint="check the id; to look for a title: crawl_arxiv 'ti:\"…\"'"
        )
    if missing:
        context.warn(f"arXiv has no paper {', '.join(missing)}")
    limits = FULL_LIMITS if args.full else DETAIL_LIMITS
    fields = _fields("details", [_row(paper, None, limits) for paper in papers], len(papers), 0)
    fields |= {"not_found": missing, "complete": not missing, "sources": sources(page.responses)}
    return Report("crawl_arxiv", "unknown" if missing else "ok", fields=fields)


def _run_graph(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers import graph
    from ml_intern_helpers.papers.graph_answer import Ask

    ask = Ask(
        paper_id=require_id(args.citations or args.references),
        direction="citations" if args.citations else "references",
        start=args.start,
        limit=args.limit,
        sort=args.sort or "influence",
        influential_only=args.influential,
        since=str(query.parse_day(args.since, last=False)) if args.since else None,
        until=str(query.parse_day(args.until, last=True)) if args.until else None,
        scan=args.scan or Ask.scan,
        find=args.find or "",
    )
    context.progress("asking Semantic Scholar …")
    found = graph.crawl(context.http, ask)
    for note in found.notes:
        context.warn(note)
    limits = FULL_LIMITS if args.full else SEARCH_LIMITS
    fields = _fields(ask.direction, [_row(edge.paper, edge, limits) for edge in found.shown], found.total, ask.start)
    fields["next_start"] = _next(ask.start, len(found.shown), found.matching)
    fields |= {"paper": _row(found.paper, None, SEARCH_LIMITS), "matching": found.matching, "read": found.read}
    fields |= {"complete": found.complete, "sort": found.sort, "sources": sources(found.responses)}
    return Report("crawl_arxiv", fields=fields)


def _fields(mode: str, rows: list[dict[str, Any]], total: int | None, start: int) -> dict[str, Any]:
    paging = {"total": total, "start": start, "returned": len(rows), "next_start": _next(start, len(rows), total)}
    return {"mode": mode, "papers": rows, **paging}


def _next(start: int, returned: int, total: int | None) -> int | None:
    """Where the next page starts; None when this was the last."""
    following = start + returned
    return following if returned and (total is None or following < total) else None


def _row(paper: Paper, edge: Citation | None, limits: Limits) -> dict[str, Any]:
    told = edge.to_dict(limits) if edge else None
    return {**paper.to_dict(limits), "citation": told, "score": None, "found_by": None, "hub": None, "in_graph": None}
