"""crawl_arxiv: search papers, walk their citations, read one, extract its recipe, keep notes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ml_intern_helpers.cli import Context
from ml_intern_helpers.errors import NotFound, UsageError
from ml_intern_helpers.papers import arxiv, graph, paper_graph, paper_notes, paper_text, query
from ml_intern_helpers.papers import crawl_checks as checks
from ml_intern_helpers.papers.crawl_text import render
from ml_intern_helpers.papers.human import crawl as render_human
from ml_intern_helpers.papers.ids import ArxivId, require_id
from ml_intern_helpers.papers.model import Citation, Limits, Paper
from ml_intern_helpers.papers.sources import sources
from ml_intern_helpers.report import Report
from ml_intern_helpers.text import clean

__all__ = ["EMPTY_FIELDS", "EPILOG", "SUMMARY", "add_arguments", "render", "render_human", "run"]

SUMMARY = "Search papers, walk their citations, read them, extract training recipes, keep notes on them."
EPILOG = """\
examples:
  crawl_arxiv "direct preference optimization length bias" --since 2024 --min-citations 5
  crawl_arxiv 'ti:"preference optimization" AND cat:cs.CL' --since 2025 --sort submitted
  crawl_arxiv --cited-by 2305.18290 --influential --since 2025 --limit 20
  crawl_arxiv --graph 2305.18290 --hops 2 --html graph.html --bibtex papers.bib
  crawl_arxiv --read 2305.18290
  crawl_arxiv --read 2305.18290 --section method
  crawl_arxiv --read 2305.18290 --find "learning rate"
  crawl_arxiv --recipe 2305.18290
  crawl_arxiv --note 2305.18290 "beta 0.1 for all but TL;DR" --quote "we use beta = 0.1"
  crawl_arxiv --notes beta
query: plain words go to arXiv, the Hub and Semantic Scholar; arXiv's own language, --sort or --source arxiv, to arXiv alone:
       there plain words must all occur; ti: au: abs: cat: all: and AND OR ANDNOT "phrase" ( ) as in arXiv's own language
ids:   2505.09388, 2505.09388v2, hep-th/9901001, arXiv:…, an arxiv.org or huggingface.co/papers address
keys:  SEMANTIC_SCHOLAR_API_KEY (free) keeps the citation graph from being rate limited; OPENALEX_API_KEY for its fallback"""

SEARCH_LIMITS = Limits()
DETAIL_LIMITS = Limits(abstract=4000, authors=20, contexts=2)
FULL_LIMITS = Limits(abstract=None, authors=None, contexts=None)

EMPTY_FIELDS: dict[str, Any] = {
    "mode": None,
    "query": None,
    "search_query": None,
    "sort": None,
    "paper": None,
    "papers": None,
    "total": None,
    "matching": None,
    "read": None,
    "complete": None,
    "start": None,
    "returned": None,
    "next_start": None,
    "not_found": None,
    "reading": None,
    "recipe": None,
    "services": None,
    "notes": None,
    "graph": None,
    "files": [],
    "sources": [],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", help="words to search for, or one or more arXiv ids")
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="show this paper (repeat for several)")
    parser.add_argument("--trending", action="store_true", help="papers that the Hub's readers look at now")
    parser.add_argument("--source", choices=["all", "arxiv"], help="whom a search asks (default: all, for plain words)")
    parser.add_argument(
        "--cited-by", "--citations", dest="citations", metavar="ID", help="papers that cite it, influential first"
    )
    parser.add_argument("--refs", "--references", dest="references", metavar="ID", help="papers it cites, influential first")
    paper_graph.add_arguments(parser)
    paper_text.add_arguments(parser)
    paper_notes.add_arguments(parser)
    parser.add_argument("--influential", action="store_true", help="only edges that Semantic Scholar calls influential")
    parser.add_argument("--max-results", "--limit", dest="limit", type=int, default=10, metavar="N", help="1 to 100 (default 10)")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="skip this many; of a --section: characters (paging)")
    parser.add_argument(
        "--sort", choices=["relevance", "submitted", "updated", "influence"], help="default: relevance, influence"
    )
    parser.add_argument(
        "--category", action="append", default=[], metavar="C", help="cs.CL, stat.ML, or cs for cs.* (repeatable)"
    )
    parser.add_argument("--since", metavar="DATE", help="first version on or after 2024, 2024-05 or 2024-05-31")
    parser.add_argument("--until", metavar="DATE", help="first version on or before")
    parser.add_argument("--min-citations", type=int, metavar="N", help="of a search: only papers with as many")
    parser.add_argument("--scan", type=int, metavar="N", help="edges to read before ranking (default 2000, at most 9999)")
    parser.add_argument(
        "--full", action="store_true", help="whole abstracts, all authors, all citing sentences; all values of --recipe"
    )


def run(args: argparse.Namespace, context: Context) -> Report:
    """Do what the arguments name: a search, details, citations or references, a look into a paper, or a note."""
    words = " ".join(args.query).strip()
    checks.check_one_thing(words, args)
    if paper_notes.wanted(args):
        paper_notes.check(args)
        paper_graph.check(args, papers=False)
        checks.check_paging(args)
        return paper_notes.run(args, EMPTY_FIELDS)
    paper_notes.check_absent(args)
    paper_graph.check(args, papers=not paper_text.wanted(args))
    if paper_text.wanted(args):
        paper_text.check(args)
        checks.check_paging(args)
        return paper_text.run(args, context)
    paper_text.check_absent(args)
    if args.graph:
        checks.check_graph(args)
        return paper_graph.run(args, context, EMPTY_FIELDS)
    aims = paper_graph.targets(args)
    report = _run_lists(words, args, context)
    return paper_graph.with_bibtex(report, aims)


def _run_lists(words: str, args: argparse.Namespace, context: Context) -> Report:
    """What answers with papers."""
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
    return Report("crawl_arxiv", fields={**EMPTY_FIELDS, **fields})


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
    ask = graph.Ask(
        paper_id=require_id(args.citations or args.references),
        direction="citations" if args.citations else "references",
        start=args.start,
        limit=args.limit,
        sort=args.sort or "influence",
        influential_only=args.influential,
        since=str(query.parse_day(args.since, last=False)) if args.since else None,
        until=str(query.parse_day(args.until, last=True)) if args.until else None,
        scan=args.scan or graph.Ask.scan,
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
    return {**EMPTY_FIELDS, "mode": mode, "papers": rows, **paging}


def _next(start: int, returned: int, total: int | None) -> int | None:
    """Where the next page starts; None when this was the last."""
    following = start + returned
    return following if returned and (total is None or following < total) else None


def _row(paper: Paper, edge: Citation | None, limits: Limits) -> dict[str, Any]:
    told = edge.to_dict(limits) if edge else None
    return {**paper.to_dict(limits), "citation": told, "score": None, "found_by": None, "hub": None, "in_graph": None}
