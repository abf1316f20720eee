"""The options of crawl_arxiv: which there are, which go together, and what a call asks for.

A call is a subcommand (`read ID`) or its older spelling, an option of the command itself (`--read ID`). Both are parsed into the
same namespace. Everything is refused that would otherwise be ignored in silence.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.papers.graph import export
from ml_intern_helpers.papers.ids import ArxivId, parse_id, require_id
from ml_intern_helpers.papers.reading import paging

MAX_RESULTS = 100
#: arXiv pages no deeper than this, nor does Semantic Scholar through the citations of one paper.
MOST_LISTED, MOST_SCANNED = 30_000, 9999
#: How far a walk through the citation graph goes by default, and at most.
HOPS, BUDGET, PAPERS = 2, 12, 200
MOST_HOPS, MOST_BUDGET, MOST_PAPERS = 3, 200, 1000
#: The paper itself, who cites it, whom it cites, recommendations: the first four answers of every walk.
FEWEST_ANSWERS = 4
#: What a call may ask for -> the option that asks for it in the older spelling; the words of a search need none.
OLDER_SPELLINGS = {
    "details": "--id",
    "trending": "--trending",
    "cited-by": "--cited-by",
    "refs": "--refs",
    "graph": "--graph",
    "read": "--read",
    "recipe": "--recipe",
    "notes add": "--note",
    "notes": "--notes",
    "notes forget": "--forget",
}
_LISTS = frozenset({"search", "details", "trending", "cited-by", "refs"})
_EDGES = frozenset({"cited-by", "refs"})
_SEARCH = frozenset({"search"})
#: Option -> the kinds of call it goes with; for `--limit` and the common options that is every call.
_GOES_WITH = {
    "--source": _SEARCH | {"trending"},
    "--category": _SEARCH,
    "--min-citations": _SEARCH,
    "--since": _SEARCH | _EDGES,
    "--until": _SEARCH | _EDGES,
    "--sort": _SEARCH | _EDGES,
    "--start": _SEARCH | _EDGES | {"trending", "read"},
    "--influential": _EDGES,
    "--scan": _EDGES,
    "--find": _EDGES | {"read"},
    "--section": frozenset({"read"}),
    "--chars": frozenset({"read", "recipe"}),
    "--full": _LISTS | {"graph", "recipe"},
    "--hops": frozenset({"graph"}),
    "--budget": frozenset({"graph"}),
    "--papers": frozenset({"graph"}),
    "--save": frozenset({"graph"}),
    "--html": frozenset({"graph"}),
    "--bibtex": _LISTS | {"graph"},
    "--force": _LISTS | {"graph"},
    "--quote": frozenset({"notes add"}),
    "--place": frozenset({"notes add"}),
}
_SORTS = {
    "search": ("relevance", "submitted", "updated"),
    "cited-by": ("influence", "submitted"),
    "refs": ("influence", "submitted"),
}
_FILES = ("save", "bibtex", "html")
_NEARLY_AN_ID = re.compile(r"arxiv\s*:.*|\d{4}\.\d+(?:v\d*)?|[a-z.-]+/\d{7}v?\d*|(?:doi:\s*)?10\.\d{4,}/\S+", re.IGNORECASE)


class Parser(Protocol):
    """What arguments are added to: a parser, or something that stands before one."""

    def add_argument(self, *args: Any, **kwargs: Any) -> Any: ...


def add_list_options(parser: Parser) -> None:
    parser.add_argument("--max-results", "--limit", dest="limit", type=int, default=10, metavar="N", help="1 to 100 (default 10)")
    parser.add_argument("--full", action="store_true", help="whole abstracts, all authors, all citing sentences")
    parser.add_argument("--bibtex", metavar="FILE", help="write the papers that are shown as BibTeX")
    parser.add_argument("--force", action="store_true", help="let an existing file be replaced")


def add_paging_options(parser: Parser) -> None:
    parser.add_argument("--start", type=int, default=0, metavar="N", help="skip this many papers (paging)")


def add_date_options(parser: Parser) -> None:
    parser.add_argument("--since", metavar="DATE", help="first version on or after 2024, 2024-05 or 2024-05-31")
    parser.add_argument("--until", metavar="DATE", help="first version on or before")


def add_search_options(parser: Parser) -> None:
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="show this paper (repeat for several)")
    parser.add_argument("--source", choices=["all", "arxiv"], help="whom a search asks (default: all, for plain words)")
    parser.add_argument(
        "--category", action="append", default=[], metavar="C", help="cs.CL, stat.ML, or cs for cs.* (repeatable)"
    )
    parser.add_argument("--min-citations", type=int, metavar="N", help="only papers with as many citations")


def add_sort_option(parser: Parser, kind: str) -> None:
    choices = list(_SORTS[kind]) if kind in _SORTS else ["relevance", "submitted", "updated", "influence"]
    text = "ask arXiv alone, and sort by this" if kind == "search" else f"default: {choices[0]}"
    parser.add_argument("--sort", choices=choices, help=text)


def add_citation_options(parser: Parser) -> None:
    parser.add_argument("--influential", action="store_true", help="only citations that Semantic Scholar calls influential")
    parser.add_argument("--scan", type=int, metavar="N", help="citations to read before ranking (default 2000, at most 9999)")


def add_find_option(parser: Parser, text: str) -> None:
    parser.add_argument("--find", metavar="WORDS", help=text)


def add_graph_options(parser: Parser) -> None:
    parser.add_argument("--hops", type=int, metavar="N", help=f"steps from the paper, 1 to {MOST_HOPS} (default {HOPS})")
    parser.add_argument(
        "--budget", type=int, metavar="N", help=f"answers to use, {FEWEST_ANSWERS} to {MOST_BUDGET} (default {BUDGET})"
    )
    parser.add_argument("--papers", type=int, metavar="N", help=f"papers to keep, 10 to {MOST_PAPERS} (default {PAPERS})")
    parser.add_argument("--save", metavar="FILE", help="write the whole graph as JSON, with abstracts (they cost one answer)")
    parser.add_argument("--html", metavar="FILE", help="write it as a page to explore, in one file that loads nothing")


def add_reading_options(parser: Parser) -> None:
    parser.add_argument(
        "--section", metavar="NAME", help="this part as Markdown: 3, A.1, #7, method, training, references, 'Table 2'"
    )
    default, fewest, most = paging.CHARACTERS, paging.FEWEST, paging.MOST
    parser.add_argument("--chars", type=int, metavar="N", help=f"characters of a page, {fewest} to {most} (default {default})")


def add_note_options(parser: Parser) -> None:
    parser.add_argument("--quote", metavar="WORDS", help="the paper's own words that the note rests on")
    parser.add_argument("--place", metavar="WHERE", help="where they stand: 'Section 4.2', 'Table 3'")


def add_older_spellings(parser: Parser) -> None:
    """The options that a subcommand has replaced."""
    parser.add_argument("--trending", action="store_true")
    parser.add_argument("--cited-by", "--citations", dest="citations")
    parser.add_argument("--refs", "--references", dest="references")
    parser.add_argument("--graph")
    parser.add_argument("--read")
    parser.add_argument("--recipe")
    parser.add_argument("--note", nargs=2)
    parser.add_argument("--notes", nargs="?", const="")
    parser.add_argument("--forget", type=int)


def kind_of(args: argparse.Namespace) -> str:
    """What the call asks for: a key of `OLDER_SPELLINGS`, or `search`. `UsageError` when it is more than one thing."""
    words = " ".join(args.query).strip()
    asked = {
        "search": words,
        "details": args.id,
        "trending": args.trending,
        "cited-by": args.citations,
        "refs": args.references,
        "graph": args.graph,
        "read": args.read,
        "recipe": args.recipe,
        "notes add": args.note is not None,
        "notes": args.notes is not None,
        "notes forget": args.forget is not None,
    }
    kinds = [kind for kind, given in asked.items() if given]
    if len(kinds) > 1:
        hint = "run the helper once for each"
        if words and _EDGES & set(kinds):
            hint = '--find "WORDS" looks through what cited-by and refs list'
        raise UsageError(f"choose one of a query, {', '.join(OLDER_SPELLINGS.values())}", hint=hint)
    kind = kinds[0] if kinds else "search"
    return "details" if kind == "search" and ids_of(args.query) else kind


def check(args: argparse.Namespace, kind: str) -> None:
    """Refuse what does not go with this kind of call, and figures out of their bounds."""
    hint = "see `crawl_arxiv --help`" if kind == "details" else f"see `crawl_arxiv {kind} --help`"
    for option, kinds in _GOES_WITH.items():
        given = getattr(args, option.removeprefix("--").replace("-", "_"))
        if given not in (None, False, [], 0) and kind not in kinds:
            others = ", ".join(sorted({_name(other) for other in kinds}))
            raise UsageError(f"{option} does not go with {_name(kind)}, only with {others}", hint=hint)
    if args.sort is not None and args.sort not in _SORTS[kind]:
        raise UsageError(f"--sort {args.sort} does not go with {_name(kind)}", hint=f"take one of {', '.join(_SORTS[kind])}")
    _check_bounds(args, hint)
    for name in ("section", "find"):
        given = getattr(args, name)
        if given is not None and not given.strip():
            raise UsageError(f"--{name} is empty", hint=f"give it words, or leave it out; {hint}")
    if args.section is not None and args.find is not None:
        raise UsageError("choose one of --section and --find", hint="--find looks through the whole paper")
    if kind == "trending" and args.source == "arxiv":
        raise UsageError("--source arxiv does not go with trending: it is the Hub's own list", hint=hint)


def _name(kind: str) -> str:
    return "ids" if kind == "details" else kind


def _check_bounds(args: argparse.Namespace, hint: str) -> None:
    if not 1 <= args.limit <= MAX_RESULTS:
        raise UsageError(f"--max-results {args.limit} is not between 1 and {MAX_RESULTS}", hint="page with --start")
    if args.min_citations is not None and args.min_citations < 0:
        raise UsageError(f"--min-citations {args.min_citations} is below 0", hint="leave it out for all")
    if args.start < 0:
        raise UsageError(f"--start {args.start} is below 0", hint="the first one is 0")
    if not args.read and args.start + args.limit > MOST_LISTED:
        raise UsageError(f"--start {args.start} is not between 0 and {MOST_LISTED - args.limit}", hint="narrow with --since")
    bounds = {
        "--scan": (1, MOST_SCANNED),
        "--hops": (1, MOST_HOPS),
        "--budget": (FEWEST_ANSWERS, MOST_BUDGET),
        "--papers": (10, MOST_PAPERS),
        "--chars": (paging.FEWEST, paging.MOST),
    }
    for option, (least, most) in bounds.items():
        value = getattr(args, option.removeprefix("--"))
        if value is not None and not least <= value <= most:
            raise UsageError(f"{option} {value} is not between {least} and {most}", hint=hint)


def files_of(args: argparse.Namespace) -> dict[str, Path]:
    """The files to write (`save`, `bibtex`, `html`), checked before anything is asked for them."""
    named = {name: getattr(args, name) for name in _FILES if getattr(args, name) is not None}
    if args.force and not named:
        raise UsageError("--force goes with --save, --html or --bibtex", hint="see `crawl_arxiv --help`")
    paths = {name: export.check(f"--{name}", text, force=args.force) for name, text in named.items()}
    if len(set(paths.values())) < len(paths):
        raise UsageError("two of --save, --html and --bibtex name the same file", hint="name one file for each")
    return paths


def asks_all(words: str, args: argparse.Namespace) -> bool:
    """Whether a search goes to all services: arXiv alone knows its own language, and can sort by date."""
    from ml_intern_helpers.papers.services import arxiv_query

    only_arxiv = args.sort is not None or args.source == "arxiv" or not arxiv_query.is_plain(words)
    if only_arxiv and (args.source == "all" or args.min_citations is not None):
        option = "--min-citations" if args.min_citations is not None else "--source all"
        hint = "arXiv alone knows its language and dates, but no counts"
        raise UsageError(f"{option} needs plain words and no --sort", hint=hint)
    return not only_arxiv


def ids_of(words: Sequence[str]) -> list[ArxivId]:
    """The ids when the query consists of ids; `UsageError` when it is nearly one, or mixes ids and words."""
    whole = parse_id(" ".join(words))
    parts = [part for word in words for part in re.split(r"[\s,]+", word) if part]
    parsed = [whole] if whole else [parse_id(part) for part in parts]
    ids = [paper_id for paper_id in parsed if paper_id is not None]
    if ids and len(ids) < len(parsed):
        hint = f"for papers around it: crawl_arxiv cited-by {ids[0]}, or refs {ids[0]}"
        raise UsageError(f"the query mixes the id {ids[0]} with words", hint=hint)
    if not ids:
        for part in parts:
            if "://" in part or _NEARLY_AN_ID.fullmatch(part):
                require_id(part)
    return list(dict.fromkeys(ids))
