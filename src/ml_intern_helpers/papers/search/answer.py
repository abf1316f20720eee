"""crawl_arxiv "WORDS" and --trending: the options, and the report."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers import query
from ml_intern_helpers.papers.library import kept
from ml_intern_helpers.papers.model import Limits
from ml_intern_helpers.papers.search import find
from ml_intern_helpers.papers.search.ask import Wanted
from ml_intern_helpers.papers.search.merge import Hit
from ml_intern_helpers.papers.search.score import Score
from ml_intern_helpers.papers.sources import sources


def wanted(args: argparse.Namespace, words: str) -> Wanted:
    """The search that the arguments name; `UsageError` for a filter that cannot be."""
    query.build(words, categories=args.category, since=args.since, until=args.until)  # refuses what is wrong, before any request
    categories = tuple(query.one_category(each) for given in args.category for each in given.split(",") if each.strip())
    since = str(query.parse_day(args.since, last=False)) if args.since else None
    until = str(query.parse_day(args.until, last=True)) if args.until else None
    return Wanted(words, since, until, categories, args.min_citations)


def fields(args: argparse.Namespace, context: Context, words: str, limits: Limits) -> tuple[dict[str, Any], find.Ranked]:
    """The report's fields, and the ranking behind them."""
    context.progress("asking arXiv, the Hub and Semantic Scholar …")
    today, first, last = datetime.now(UTC).date(), args.start, args.start + args.limit
    if args.trending:
        ranked = find.popular(context.http, today, first, last)
    else:
        ranked = find.search(context.http, wanted(args, words), today, first, last)
    for note in ranked.notes:
        context.warn(note)
    _keep(ranked)
    shown = ranked.hits[first:last]
    following = last if last < len(ranked.hits) else None
    return {
        "mode": "trending" if args.trending else "search",
        "query": clean(words) or None,
        "sort": "trending" if args.trending else "score",
        "papers": [row(hit, scored, limits) for hit, scored in shown],
        "matching": len(ranked.hits),
        "read": ranked.read,
        "start": first,
        "returned": len(shown),
        "next_start": following,
        "services": [answer.to_dict() for answer in ranked.answers],
        "sources": sources(ranked.responses),
    }, ranked


def row(hit: Hit, scored: Score, limits: Limits) -> dict[str, Any]:
    """A paper of the ranking; `score` says why it stands where it does."""
    page = hit.page
    on_hub = (
        {
            "code": page.code,
            "stars": page.stars,
            "upvotes": page.upvotes,
            **{kind: page.totals[kind] for kind in ("models", "datasets", "spaces")},
        }
        if page
        else None
    )
    why = {"score": scored.to_dict(), "found_by": dict(hit.ranks), "hub": on_hub}
    return {**hit.paper.to_dict(limits), "citation": None, **why, "in_graph": None}


def _keep(ranked: find.Ranked) -> None:
    """Into the library, once: an answer that was stored already has been through here."""
    fresh = [response for response in ranked.responses if not response.cached]
    if fresh:
        when = min(response.fetched_at for response in ranked.responses)
        kept.keep(kept.Kept(hit.paper, next(iter(hit.ranks)), when) for hit, _ in ranked.hits)
