"""The command `crawl_arxiv`: searches papers, walks citations, reads a paper, extracts its recipe, keeps notes.

This module holds the subcommands and the searches that arXiv alone answers; other modules are imported when a subcommand needs
them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from ml_intern_helpers.cli.commands import Context, Subcommand
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers import crawl_options as options
from ml_intern_helpers.papers.crawl_text import render, render_human
from ml_intern_helpers.papers.ids import parse_id, require_id
from ml_intern_helpers.papers.model import ALL, Limits, paper_row, sources
from ml_intern_helpers.papers.reading import document

__all__ = ["EMPTY_FIELDS", "EPILOG", "SUBCOMMANDS", "SUMMARY", "add_arguments", "render", "render_human", "run"]

SUMMARY = "Search papers, walk their citations, read them, extract training recipes, keep notes on them."
EPILOG = """\
subcommands, each with a --help of its own:
  search WORDS          arXiv, the Hub and Semantic Scholar together, ranked; or the papers with these ids
  trending              papers that are popular on the Hub now
  cited-by ID, refs ID  who cites a paper and what it cites, influential first, with the citing sentences
  graph ID              the citation graph around a paper: landmarks, the frontier, files to explore
  read ID               its contents, a section as Markdown, or passages with some words
  recipe ID             its training settings, each with the sentence that states it
  notes [WORDS]         notes of earlier runs; `notes add ID TEXT` keeps one, `notes forget N` deletes one

examples:
  crawl_arxiv search "direct preference optimization length bias" --since 2024 --min-citations 5
  crawl_arxiv graph 2305.18290 --hops 2 --html graph.html
  crawl_arxiv read 2305.18290 --section method

Words without a subcommand are searched for: `crawl_arxiv "length bias"`. A query that begins with the name of a subcommand needs
`search` before it, or quotes around it: `crawl_arxiv "graph neural networks"`. The older spellings (--id, --trending, --cited-by,
--refs, --graph, --read, --recipe, --note, --notes, --forget) keep working.
ids:   2505.09388, 2505.09388v2, hep-th/9901001, arXiv:…, an arxiv.org or huggingface.co/papers address
keys:  SEMANTIC_SCHOLAR_API_KEY (free) keeps the citation graph from being rate limited; OPENALEX_API_KEY for its fallback"""

_NAMES = (
    "mode query search_query sort paper papers total matching read complete start returned next_start not_found reading recipe"
    " services notes graph"
)
EMPTY_FIELDS: dict[str, Any] = {**dict.fromkeys(_NAMES.split()), "files": [], "sources": []}
#: Ids of one call, and how much of each paper is shown.
MOST_IDS = 100
_DETAILS = Limits(abstract=4000, authors=20, contexts=2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="WORDS", help="a subcommand, or words to search for, or arXiv ids")
    options.add_hidden_options(parser)


class _Joined(argparse.Action):
    """An argparse action that joins several words into one text."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, " ".join(values))


_PAPER = {"metavar": "ID", "help": "the paper"}
#: Subcommand -> its positional arguments: the name in the namespace (that of the older spelling), and argparse's settings.
_ARGUMENTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "search": [("query", {"nargs": "*", "metavar": "WORDS", "help": "words to search for, or one or more arXiv ids"})],
    "trending": [],
    "cited-by": [("citations", _PAPER)],
    "refs": [("references", _PAPER)],
    "graph": [("graph", _PAPER)],
    "read": [("read", {**_PAPER, "help": "the paper; without an option its contents, with the size of each section"})],
    "recipe": [("recipe", _PAPER)],
    "notes": [
        ("notes", {"nargs": "*", "action": _Joined, "metavar": "WORDS", "help": "words of the notes, or an id; none: all notes"})
    ],
    "notes add": [
        ("note", {"action": "append", **_PAPER}),
        ("note", {"action": "append", "metavar": "TEXT", "help": "what to remember about the paper"}),
    ],
    "notes forget": [("forget", {"type": int, "metavar": "N", "help": "the number of the note"})],
}


def _subcommand(name: str, summary: str, *examples: str, more: str = "") -> Subcommand:
    def add(parser: argparse.ArgumentParser) -> None:
        for argument, settings in _ARGUMENTS[name]:
            parser.add_argument(argument, **settings)
        options.add_options(parser, name)

    epilog = "\n".join(["examples:", *(f"  crawl_arxiv {name}{example and ' ' + example}" for example in examples)])
    takes_id = any(settings is _PAPER for _, settings in _ARGUMENTS[name]) or name == "read"
    hint = "to search for these words: crawl_arxiv search …" if takes_id else ""
    defaults = {"trending": True} if name == "trending" else {}
    return Subcommand(summary, epilog + (f"\n\n{more}" if more else ""), add, defaults, hint)


SUBCOMMANDS = {
    "search": _subcommand(
        "search",
        "Search papers, ranked with every score explained; or show papers by their ids.",
        '"direct preference optimization length bias" --since 2024 --min-citations 5',
        "'ti:\"preference optimization\" AND cat:cs.CL' --since 2025 --sort submitted",
        "2305.18290 2106.09685 --full",
        more="Plain words go to arXiv, the Hub and Semantic Scholar. arXiv's own language (ti: au: abs: cat: all: and AND OR\n"
        'ANDNOT "phrase" and parentheses), --sort and --source arxiv go to arXiv alone, where plain words must all occur.',
    ),
    "trending": _subcommand(
        "trending",
        "List the papers that are popular on the Hub now, in the Hub's order.",
        "",
        "--limit 20 --bibtex papers.bib",
    ),
    "cited-by": _subcommand(
        "cited-by",
        "List the papers that cite one, influential first, with the citing sentences.",
        "2305.18290 --influential --since 2025",
        "2305.18290 --find outperform",
    ),
    "refs": _subcommand(
        "refs",
        "List the papers that one cites, influential first, with the citing sentences.",
        "2305.18290 --influential",
        "2305.18290 --find reward --limit 20",
    ),
    "graph": _subcommand(
        "graph",
        "Walk the citations around a paper under a budget: landmarks, the frontier, recommendations, files to explore.",
        "2305.18290 --hops 2 --budget 12",
        "2305.18290 --html graph.html --bibtex papers.bib",
        more="A walk that was stopped or killed resumes when the same command is run again.",
    ),
    "read": _subcommand(
        "read",
        "Read a paper: its contents, one part as Markdown, or passages with some words.",
        "2305.18290 --section method",
        '2305.18290 --find "learning rate"',
    ),
    "recipe": _subcommand(
        "recipe",
        "Extract base model, data, method, hyper-parameters, hardware and results of a paper, with quotes.",
        "2305.18290",
        "2305.18290 --full --json",
    ),
    "notes": _subcommand(
        "notes",
        "Find notes of earlier runs by their words or by the id of a paper.",
        "beta",
        "2305.18290 --limit 100",
        more="`crawl_arxiv notes add ID TEXT` keeps a note, `crawl_arxiv notes forget N` deletes one.",
    ),
    "notes add": _subcommand(
        "notes add",
        "Keep a note on a paper for later runs.",
        '2305.18290 "beta 0.1 for all but TL;DR" --quote "we use beta = 0.1"',
        '2305.18290 "one epoch" --place "Table 3"',
    ),
    "notes forget": _subcommand("notes forget", "Delete a note.", "3", "12 --json"),
}


def run(args: argparse.Namespace, context: Context) -> Report:
    """Run the subcommand (or older spelling) that the arguments name."""
    kind = options.kind_of(args)
    options.check(args, kind)
    report = _RUN[kind](args, context)
    report.fields = {**EMPTY_FIELDS, **report.fields}
    return report


def _list(args: argparse.Namespace, context: Context, kind: str) -> Report:
    """A list of papers, also written as BibTeX with `--bibtex`."""
    words = " ".join(args.query).strip()
    targets = options.files_of(args)
    if kind in ("cited-by", "refs"):
        from ml_intern_helpers.papers.graph import citation_lists

        report = citation_lists.run(args, context)
    elif kind == "details":
        report = _details(args, context)
    elif kind == "trending" or options.asks_all(words, args):
        from ml_intern_helpers.papers.search import ranking

        report = ranking.run(args, context, words)
    else:
        report = _search_arxiv(args, context, words)
    if "bibtex" in targets:
        from ml_intern_helpers.papers.graph import export

        written = export.write(targets["bibtex"], export.bibtex(report.fields["papers"]))
        report.fields["files"] = [{"kind": "bibtex", **written}]
    return report


def _details(args: argparse.Namespace, context: Context) -> Report:
    """`crawl_arxiv search` with ids: these papers in the given order."""
    from ml_intern_helpers.papers.services import arxiv

    ids = [require_id(text) for text in args.id] or options.ids_of(args.query)
    if len(ids) > MOST_IDS:
        raise UsageError(f"{len(ids)} ids, at most {MOST_IDS} at once", hint="split the list into several calls")
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
    fields = {
        "mode": "details",
        "papers": [paper_row(paper, ALL if args.full else _DETAILS) for paper in papers],
        "total": len(papers),
        "start": 0,
        "returned": len(papers),
        "not_found": missing,
        "complete": not missing,
        "sources": sources(page.responses),
    }
    return Report("crawl_arxiv", "unknown" if missing else "ok", fields=fields)


def _search_arxiv(args: argparse.Namespace, context: Context, words: str) -> Report:
    """`crawl_arxiv search` in arXiv's query language, or sorted by date, which only arXiv supports."""
    from ml_intern_helpers.papers.services import arxiv, arxiv_query

    sort = args.sort or "relevance"
    search_query = arxiv_query.build(words, categories=args.category, since=args.since, until=args.until)
    context.progress("asking arXiv …")
    page = arxiv.search(context.http, search_query, start=args.start, max_results=args.limit, sort=sort)
    papers, total = page.feed.papers[: args.limit], page.feed.total
    if len(page.responses) > 1 and papers:
        context.warn(f"arXiv sent an empty page first; these papers came on attempt {len(page.responses)}")
    following = args.start + len(papers)
    fields = {
        "mode": "search",
        "query": clean(words),
        "search_query": search_query,
        "sort": sort,
        "papers": [paper_row(paper, ALL if args.full else Limits()) for paper in papers],
        "total": total,
        "matching": total,
        "start": args.start,
        "returned": len(papers),
        "next_start": following if papers and (total is None or following < total) else None,
        "sources": sources(page.responses[-1:]),
    }
    return Report("crawl_arxiv", fields=fields)


def _graph(args: argparse.Namespace, context: Context) -> Report:
    require_id(args.graph)
    targets = options.files_of(args)
    from ml_intern_helpers.papers.graph import report

    return report.run(args, context, targets)


def _read(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers.reading.report import ReadingOptions, read

    paper_id, chars = require_id(args.read), args.chars or document.CHARACTERS
    return read(ReadingOptions(paper_id, args.section, args.find, args.start, args.limit, chars), context)


def _recipe(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.papers.recipe import report as recipe

    return recipe.recipe(require_id(args.recipe), context, full=args.full)


def _notes(args: argparse.Namespace, context: Context) -> Report:
    """Add a note, delete one, or find notes; no request is made."""
    from ml_intern_helpers.papers.library import notes, papers

    if args.note:
        mode, matching = "note", 1
        shown = [notes.add(require_id(args.note[0]).base, args.note[1], args.quote, args.place)]
    elif args.forget is not None:
        mode, matching = "forget", 1
        shown = [notes.remove(args.forget)]
    else:
        mode, paper_id = "notes", parse_id(args.notes)
        shown, matching = notes.find(paper_id.base if paper_id else args.notes, args.limit)
    titles = papers.titles(note.arxiv_id for note in shown) if shown else {}
    rows = [{**asdict(note), "title": titles.get(note.arxiv_id)} for note in shown]
    fields = {"mode": mode, "query": clean(args.notes or "") or None, "notes": rows}
    return Report("crawl_arxiv", fields={**fields, "matching": matching, "returned": len(rows)})


_RUN: dict[str, Callable[[argparse.Namespace, Context], Report]] = {
    **{kind: partial(_list, kind=kind) for kind in ("search", "details", "trending", "cited-by", "refs")},
    "graph": _graph,
    "read": _read,
    "recipe": _recipe,
    **dict.fromkeys(("notes", "notes add", "notes forget"), _notes),
}
