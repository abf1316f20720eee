"""crawl_arxiv: search papers, walk their citations, read one, extract its recipe, keep notes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from ml_intern_helpers.cli.commands import Context, Subcommand
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers import crawl_options as options
from ml_intern_helpers.papers.crawl_text import render, render_human
from ml_intern_helpers.papers.ids import parse_id, require_id
from ml_intern_helpers.papers.reading import paging

__all__ = ["EMPTY_FIELDS", "EPILOG", "SUBCOMMANDS", "SUMMARY", "add_arguments", "render", "render_human", "run"]

SUMMARY = "Search papers, walk their citations, read them, extract training recipes, keep notes on them."
EPILOG = """\
subcommands, each with a --help of its own:
  search WORDS          arXiv, the Hub and Semantic Scholar together, ranked; or the papers with these ids
  trending              papers that the Hub's readers look at now
  cited-by ID, refs ID  who cites a paper and what it cites, influential first, with the citing sentences
  graph ID              the citation graph around a paper: landmarks, the frontier, files to explore
  read ID               its contents, a section as Markdown, or passages with some words
  recipe ID             its training settings, each with the sentence that states it
  notes [WORDS]         notes of earlier runs; `notes add ID TEXT` keeps one, `notes forget N` takes one out

examples:
  crawl_arxiv search "direct preference optimization length bias" --since 2024 --min-citations 5
  crawl_arxiv graph 2305.18290 --hops 2 --html graph.html
  crawl_arxiv read 2305.18290 --section method

Words without a subcommand are searched for: `crawl_arxiv "length bias"`. A query that begins with the name of a subcommand needs
`search` before it, or quotes around it: `crawl_arxiv "graph neural networks"`. The older spellings (--id, --trending, --cited-by,
--refs, --graph, --read, --recipe, --note, --notes, --forget) keep working.
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


class _Hidden:
    """Adds arguments that the help does not list: the help of each subcommand lists its own."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser

    def add_argument(self, *names: str, **settings: Any) -> None:
        self.parser.add_argument(*names, **{**settings, "help": argparse.SUPPRESS})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="WORDS", help="a subcommand, or words to search for, or arXiv ids")
    hidden = _Hidden(parser)
    options.add_older_spellings(hidden)
    options.add_list_options(hidden)
    options.add_paging_options(hidden)
    options.add_date_options(hidden)
    options.add_search_options(hidden)
    options.add_sort_option(hidden, "")
    options.add_citation_options(hidden)
    options.add_find_option(hidden, "")
    options.add_graph_options(hidden)
    options.add_reading_options(hidden)
    options.add_note_options(hidden)


def _search_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="WORDS", help="words to search for, or one or more arXiv ids")
    options.add_search_options(parser)
    options.add_date_options(parser)
    options.add_sort_option(parser, "search")
    options.add_paging_options(parser)
    options.add_list_options(parser)


def _trending_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_paging_options(parser)
    options.add_list_options(parser)


def _citation_arguments(parser: argparse.ArgumentParser, dest: str) -> None:
    parser.add_argument(dest, metavar="ID", help="the paper in the middle")
    options.add_citation_options(parser)
    options.add_find_option(parser, "only papers whose title or citing sentences hold these words")
    options.add_date_options(parser)
    options.add_sort_option(parser, "refs")
    options.add_paging_options(parser)
    options.add_list_options(parser)


def _graph_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("graph", metavar="ID", help="the paper to begin at; the most promising papers are followed first")
    options.add_graph_options(parser)
    options.add_list_options(parser)


def _read_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("read", metavar="ID", help="the paper; without an option its contents, with the size of each section")
    options.add_reading_options(parser)
    options.add_find_option(parser, "short passages of the whole paper that hold these words")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="of a section: skip this many characters (paging)")
    parser.add_argument("--max-results", "--limit", dest="limit", type=int, default=10, metavar="N", help="passages to show")


def _recipe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="ID", help="the paper")
    parser.add_argument("--full", action="store_true", help="all values that were found")


def _notes_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notes", nargs="*", action=_Joined, metavar="WORDS", help="words of the notes, or one id; none: all")
    parser.add_argument("--max-results", "--limit", dest="limit", type=int, default=10, metavar="N", help="1 to 100 (default 10)")


def _note_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("note", action="append", metavar="ID", help="the paper")
    parser.add_argument("note", action="append", metavar="TEXT", help="what to remember of it")
    options.add_note_options(parser)


def _forget_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("forget", type=int, metavar="N", help="the number of the note")


class _Joined(argparse.Action):
    """Several words as one text."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, " ".join(values))


_SEARCH_EPILOG = """\
examples:
  crawl_arxiv search "direct preference optimization length bias" --since 2024 --min-citations 5
  crawl_arxiv search 'ti:"preference optimization" AND cat:cs.CL' --since 2025 --sort submitted
  crawl_arxiv search 2305.18290 2106.09685 --full

Plain words go to arXiv, the Hub and Semantic Scholar. arXiv's own language (ti: au: abs: cat: all: and AND OR ANDNOT "phrase"
and parentheses), --sort and --source arxiv go to arXiv alone, where plain words must all occur."""

_WORDS_HINT = "to search for these words: crawl_arxiv search …"

SUBCOMMANDS = {
    "search": Subcommand(
        "Search papers, ranked with every score explained; or show papers by their ids.", _SEARCH_EPILOG, _search_arguments
    ),
    "trending": Subcommand(
        "List the papers that the Hub's readers look at now, in the Hub's order.",
        "examples:\n  crawl_arxiv trending\n  crawl_arxiv trending --limit 20 --bibtex papers.bib",
        _trending_arguments,
        {"trending": True},
    ),
    "cited-by": Subcommand(
        "List the papers that cite one, influential first, with the citing sentences.",
        "examples:\n  crawl_arxiv cited-by 2305.18290 --influential --since 2025\n"
        "  crawl_arxiv cited-by 2305.18290 --find outperform",
        partial(_citation_arguments, dest="citations"),
        hint=_WORDS_HINT,
    ),
    "refs": Subcommand(
        "List the papers that one cites, influential first, with the citing sentences.",
        "examples:\n  crawl_arxiv refs 2305.18290 --influential\n  crawl_arxiv refs 2305.18290 --find reward --limit 20",
        partial(_citation_arguments, dest="references"),
        hint=_WORDS_HINT,
    ),
    "graph": Subcommand(
        "Walk the citations around a paper under a budget: landmarks, the frontier, recommendations, files to explore.",
        "examples:\n  crawl_arxiv graph 2305.18290 --hops 2 --budget 12\n"
        "  crawl_arxiv graph 2305.18290 --html graph.html --bibtex papers.bib\n\n"
        "A walk that was stopped or killed goes on where it was when the same command is run again.",
        _graph_arguments,
        hint=_WORDS_HINT,
    ),
    "read": Subcommand(
        "Read a paper: its contents, one part as Markdown, or passages with some words.",
        'examples:\n  crawl_arxiv read 2305.18290 --section method\n  crawl_arxiv read 2305.18290 --find "learning rate"',
        _read_arguments,
        hint=_WORDS_HINT,
    ),
    "recipe": Subcommand(
        "Extract base model, data, method, hyper-parameters, hardware and results of a paper, with quotes.",
        "examples:\n  crawl_arxiv recipe 2305.18290\n  crawl_arxiv recipe 2305.18290 --full --json",
        _recipe_arguments,
        hint=_WORDS_HINT,
    ),
    "notes": Subcommand(
        "Find notes of earlier runs by their words or by the id of a paper.",
        "examples:\n  crawl_arxiv notes beta\n  crawl_arxiv notes 2305.18290 --limit 100\n\n"
        "`crawl_arxiv notes add ID TEXT` keeps a note, `crawl_arxiv notes forget N` takes one out.",
        _notes_arguments,
    ),
    "notes add": Subcommand(
        "Keep a note on a paper for later runs.",
        'examples:\n  crawl_arxiv notes add 2305.18290 "beta 0.1 for all but TL;DR" --quote "we use beta = 0.1"\n'
        '  crawl_arxiv notes add 2305.18290 "one epoch" --place "Table 3"',
        _note_arguments,
    ),
    "notes forget": Subcommand(
        "Take a note out.",
        "examples:\n  crawl_arxiv notes forget 3\n  crawl_arxiv notes forget 12 --json",
        _forget_arguments,
    ),
}


def run(args: argparse.Namespace, context: Context) -> Report:
    """Do what the arguments name."""
    kind = options.kind_of(args)
    options.check(args, kind)
    report = _RUN[kind](args, context)
    report.fields = {**EMPTY_FIELDS, **report.fields}
    return report


def _list(args: argparse.Namespace, context: Context, kind: str) -> Report:
    """A list of papers, also written as BibTeX where that was asked for."""
    words = " ".join(args.query).strip()
    targets = options.files_of(args)
    if kind in ("cited-by", "refs"):
        from ml_intern_helpers.papers.graph import citation_lists

        report = citation_lists.run(args, context)
    elif kind == "details":
        from ml_intern_helpers.papers.search import arxiv_lists

        ids = [require_id(text) for text in args.id] or options.ids_of(args.query)
        report = arxiv_lists.details(args, context, ids)
    elif kind == "trending" or options.asks_all(words, args):
        from ml_intern_helpers.papers.search import ranking

        report = ranking.run(args, context, words)
    else:
        from ml_intern_helpers.papers.search import arxiv_lists

        report = arxiv_lists.search(args, context, words)
    if "bibtex" in targets:
        from ml_intern_helpers.papers.graph import export

        written = export.write(targets["bibtex"], export.bibtex(report.fields["papers"]))
        report.fields["files"] = [{"kind": "bibtex", **written}]
    return report


def _graph(args: argparse.Namespace, context: Context) -> Report:
    require_id(args.graph)
    targets = options.files_of(args)
    from ml_intern_helpers.papers.graph import report

    return report.run(args, context, targets)


def _read(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers.reading import report as reading

    asked = reading.ReadingOptions(
        require_id(args.read), args.section, args.find, args.start, args.limit, args.chars or paging.CHARACTERS
    )
    return reading.read(asked, context)


def _recipe(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers.recipe import report as recipe

    return recipe.recipe(require_id(args.recipe), context, full=args.full)


def _notes(args: argparse.Namespace, context: Context) -> Report:
    """Keep a note, take one out, or find those that match; no request is made."""
    from ml_intern_helpers.papers.library import notes, papers

    if args.note:
        mode, matching = "note", 1
        shown = [notes.add(require_id(args.note[0]).base, args.note[1], args.quote, args.place)]
    elif args.forget is not None:
        mode, matching = "forget", 1
        shown = [notes.remove(args.forget)]
    else:
        mode, named = "notes", parse_id(args.notes)
        shown, matching = notes.find(named.base if named else args.notes, args.limit)
    titles = papers.titles(note.arxiv_id for note in shown) if shown else {}
    rows = [{**note.to_dict(), "title": titles.get(note.arxiv_id)} for note in shown]
    query = clean(args.notes or "") or None
    return Report(
        "crawl_arxiv", fields={"mode": mode, "query": query, "notes": rows, "matching": matching, "returned": len(rows)}
    )


_RUN: dict[str, Callable[[argparse.Namespace, Context], Report]] = {
    **{kind: partial(_list, kind=kind) for kind in ("search", "details", "trending", "cited-by", "refs")},
    "graph": _graph,
    "read": _read,
    "recipe": _recipe,
    **dict.fromkeys(("notes", "notes add", "notes forget"), _notes),
}
