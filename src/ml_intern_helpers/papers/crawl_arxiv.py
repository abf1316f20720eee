"""crawl_arxiv: search papers, walk their citations, read one, extract its recipe, keep notes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers import crawl_checks as checks
from ml_intern_helpers.papers import paper_graph, paper_notes, paper_text
from ml_intern_helpers.papers.crawl_text import render

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["EMPTY_FIELDS", "EPILOG", "SUMMARY", "add_arguments", "render", "render_human", "run"]

SUMMARY = "Search papers, walk their citations, read them, extract training recipes, keep notes on them."
EPILOG = """\
examples:
  crawl_arxiv "direct preference optimization length bias" --since 2024 --min-citations 5
  crawl_arxiv 'ti:"preference optimization" AND cat:cs.CL' --since 2025 --sort submitted
  crawl_arxiv --cited-by 2305.18290 --influential --since 2025 --find outperform
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
    from ml_intern_helpers.papers import paper_lists

    report = paper_lists.run(words, args, context)
    report.fields = {**EMPTY_FIELDS, **report.fields}
    return paper_graph.with_bibtex(report, aims)


def render_human(report: Report, console: Console) -> None:
    """For a person at a terminal."""
    from ml_intern_helpers.papers.human import crawl

    crawl(report, console)
