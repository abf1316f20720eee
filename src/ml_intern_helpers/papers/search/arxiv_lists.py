"""Lists of papers from arXiv alone: a search in its own language or sorted by date, and the papers with given ids."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import ALL, Limits, paper_row, sources
from ml_intern_helpers.papers.services import arxiv, arxiv_query

MOST_IDS = 100
_DETAILS = Limits(abstract=4000, authors=20, contexts=2)


def search(args: argparse.Namespace, context: Context, words: str) -> Report:
    """crawl_arxiv search where arXiv alone is asked."""
    sort = args.sort or "relevance"
    search_query = arxiv_query.build(words, categories=args.category, since=args.since, until=args.until)
    context.progress("asking arXiv …")
    page = arxiv.search(context.http, search_query, start=args.start, max_results=args.limit, sort=sort)
    papers, total = page.feed.papers[: args.limit], page.feed.total
    if len(page.responses) > 1 and papers:
        context.warn(f"arXiv sent an empty page first; these came on try {len(page.responses)}")
    limits = ALL if args.full else Limits()
    following = args.start + len(papers)
    fields = {
        "mode": "search",
        "query": clean(words),
        "search_query": search_query,
        "sort": sort,
        "papers": [paper_row(paper, limits) for paper in papers],
        "total": total,
        "matching": total,
        "start": args.start,
        "returned": len(papers),
        "next_start": following if papers and (total is None or following < total) else None,
        "sources": sources(page.responses[-1:]),
    }
    return Report("crawl_arxiv", fields=fields)


def details(args: argparse.Namespace, context: Context, ids: Sequence[ArxivId]) -> Report:
    """crawl_arxiv search with ids: these papers in the order asked."""
    if len(ids) > MOST_IDS:
        raise UsageError(f"{len(ids)} ids, at most {MOST_IDS} at once", hint="split the list")
    context.progress("asking arXiv …")
    page = arxiv.details(context.http, ids)
    papers = page.feed.papers
    known = {(paper.arxiv_id, version) for paper in papers for version in (None, paper.version)}
    missing = [str(paper_id) for paper_id in ids if (paper_id.base, paper_id.version) not in known]
    message = f"arXiv has no paper {', '.join(missing)}"
    if not papers:
        raise NotFound(message, hint="check the id; to look for a title: crawl_arxiv search 'ti:\"…\"'")
    if missing:
        context.warn(message)
    limits = ALL if args.full else _DETAILS
    fields = {
        "mode": "details",
        "papers": [paper_row(paper, limits) for paper in papers],
        "total": len(papers),
        "start": 0,
        "returned": len(papers),
        "not_found": missing,
        "complete": not missing,
        "sources": sources(page.responses),
    }
    return Report("crawl_arxiv", "unknown" if missing else "ok", fields=fields)
