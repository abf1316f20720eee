"""Defines the options of `crawl_arxiv`, the kinds of call that accept them, and their validation.

A call is a subcommand (`read ID`) or its older spelling, an option of the command itself (`--read ID`). Both are parsed into the
same namespace. An option that a call would ignore is a usage error.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.papers.graph import export
from ml_intern_helpers.papers.ids import ArxivId, parse_id, require_id
from ml_intern_helpers.papers.reading import document

MAX_RESULTS = 100
#: The default extent of a walk through the citation graph.
HOPS, BUDGET, PAPERS = 2, 12, 200
#: arXiv lists at most this many results.
_MOST_LISTED = 30_000
#: Option -> its bounds. A graph takes at least four answers: the paper, its citations, its references, recommendations.
#: Semantic Scholar lists no more than 9,999 citations of one paper.
_BOUNDS = {
    "--scan": (1, 9999),
    "--hops": (1, 3),
    "--budget": (4, 200),
    "--papers": (10, 1000),
    "--chars": (document.FEWEST, document.MOST),
}
_BOUNDS_TEXT = {option: f"{least} to {most}" for option, (least, most) in _BOUNDS.items()}
_DATE = "2024, 2024-05 or 2024-05-31"
#: Option -> argparse's settings.
OPTIONS: dict[str, dict[str, Any]] = {
    "--id": {"action": "append", "default": [], "metavar": "ID", "help": "show this paper (repeat for several)"},
    "--source": {"choices": ["all", "arxiv"], "help": "services to search (default: all, for plain words)"},
    "--category": {"action": "append", "default": [], "metavar": "C", "help": "cs.CL, stat.ML, or cs for cs.* (repeatable)"},
    "--min-citations": {"type": int, "metavar": "N", "help": "only papers with at least N citations"},
    "--influential": {"action": "store_true", "help": "only citations that Semantic Scholar calls influential"},
    "--scan": {"type": int, "metavar": "N", "help": f"citations to read before ranking, {_BOUNDS_TEXT['--scan']} (default 2000)"},
    "--find": {"metavar": "WORDS", "help": "only papers whose title or citing sentences hold these words"},
    "--since": {"metavar": "DATE", "help": f"first version on or after {_DATE}"},
    "--until": {"metavar": "DATE", "help": "first version on or before this date"},
    "--sort": {"choices": ["relevance", "submitted", "updated", "influence"], "help": "default: influence"},
    "--hops": {"type": int, "metavar": "N", "help": f"steps from the paper, {_BOUNDS_TEXT['--hops']} (default {HOPS})"},
    "--budget": {"type": int, "metavar": "N", "help": f"answers to use, {_BOUNDS_TEXT['--budget']} (default {BUDGET})"},
    "--papers": {"type": int, "metavar": "N", "help": f"papers to keep, {_BOUNDS_TEXT['--papers']} (default {PAPERS})"},
    "--save": {"metavar": "FILE", "help": "write the whole graph as JSON, with abstracts (they cost one answer)"},
    "--html": {"metavar": "FILE", "help": "write the graph as one HTML page to explore offline"},
    "--section": {"metavar": "NAME", "help": "this part as Markdown: 3, A.1, #7, method, training, references, 'Table 2'"},
    "--chars": {
        "type": int,
        "metavar": "N",
        "help": f"characters of a page, {_BOUNDS_TEXT['--chars']} (default {document.CHARACTERS})",
    },
    "--quote": {"metavar": "WORDS", "help": "the paper's own words that support the note"},
    "--place": {"metavar": "WHERE", "help": "where the quote is: 'Section 4.2', 'Table 3'"},
    "--start": {"type": int, "default": 0, "metavar": "N", "help": "skip this many papers (paging)"},
    "--limit": {"dest": "limit", "type": int, "default": 10, "metavar": "N", "help": "1 to 100 (default 10)"},
    "--full": {"action": "store_true", "help": "whole abstracts, all authors, all citing sentences"},
    "--bibtex": {"metavar": "FILE", "help": "write the papers that are shown as BibTeX (of a graph: all)"},
    "--force": {"action": "store_true", "help": "replace an existing file"},
}
#: The older spellings of subcommands; `search` and `details` have none.
_OLDER_SPELLINGS: dict[str, dict[str, Any]] = {
    "--trending": {"action": "store_true"},
    "--cited-by": {"dest": "citations"},
    "--refs": {"dest": "references"},
    "--graph": {},
    "--read": {},
    "--recipe": {},
    "--note": {"nargs": 2},
    "--notes": {"nargs": "?", "const": ""},
    "--forget": {"type": int},
}
#: Options with two names; the first is the one that usage errors show.
_NAMES = {
    "--limit": ("--max-results", "--limit"),
    "--cited-by": ("--cited-by", "--citations"),
    "--refs": ("--refs", "--references"),
}
_LIST = ("--start", "--limit", "--full", "--bibtex", "--force")
_CITATIONS = ("--influential", "--scan", "--find", "--since", "--until", "--sort", *_LIST)
#: Kind of call -> the options that go with it. Every kind but `details` is a subcommand.
OPTIONS_OF = {
    "search": ("--id", "--source", "--category", "--min-citations", "--since", "--until", "--sort", *_LIST),
    "details": ("--id", "--limit", "--full", "--bibtex", "--force"),
    "trending": _LIST,
    "cited-by": _CITATIONS,
    "refs": _CITATIONS,
    "graph": ("--hops", "--budget", "--papers", "--save", "--html", "--limit", "--full", "--bibtex", "--force"),
    "read": ("--section", "--find", "--start", "--chars", "--limit"),
    "recipe": ("--full",),
    "notes": ("--limit",),
    "notes add": ("--quote", "--place"),
    "notes forget": (),
}
#: Options that older spellings accept without effect.
_IGNORED = {"trending": ("--source",), "recipe": ("--chars",)}
#: Kind of call -> how `--sort` may be used there.
_SORTS = {
    "search": ["relevance", "submitted", "updated"],
    "cited-by": ["influence", "submitted"],
    "refs": ["influence", "submitted"],
}
#: (kind of call, option) -> help, where the option has a different meaning than in other calls.
_HELP = {
    ("search", "--sort"): "ask arXiv alone, and sort by this",
    ("read", "--find"): "short passages of the whole paper that hold these words",
    ("read", "--start"): "of a section: skip this many characters (paging)",
    ("read", "--limit"): "passages to show (default 10)",
    ("recipe", "--full"): "all values that were found",
}
_FILES = ("save", "bibtex", "html")
_NEARLY_AN_ID = re.compile(r"arxiv\s*:.*|\d{4}\.\d+(?:v\d*)?|[a-z.-]+/\d{7}v?\d*|(?:doi:\s*)?10\.\d{4,}/\S+", re.IGNORECASE)


def add_options(parser: argparse.ArgumentParser, kind: str) -> None:
    for option in OPTIONS_OF[kind]:
        settings = {**OPTIONS[option], "help": _HELP.get((kind, option), OPTIONS[option]["help"])}
        if option == "--sort":
            settings["choices"] = _SORTS[kind]
        parser.add_argument(*_NAMES.get(option, (option,)), **settings)


def add_hidden_options(parser: argparse.ArgumentParser) -> None:
    """Add all options and the older spellings without help texts; each subcommand's --help lists its own options."""
    for option, settings in {**_OLDER_SPELLINGS, **OPTIONS}.items():
        parser.add_argument(*_NAMES.get(option, (option,)), **{**settings, "help": argparse.SUPPRESS})


def kind_of(args: argparse.Namespace) -> str:
    """The kind of the call, a key of `OPTIONS_OF`; `UsageError` when it names more than one."""
    words = " ".join(args.query).strip()
    requests = {"search": words, "details": args.id, "trending": args.trending, "cited-by": args.citations}
    requests |= {"refs": args.references, "graph": args.graph, "read": args.read, "recipe": args.recipe}
    requests |= {"notes add": args.note is not None, "notes": args.notes is not None, "notes forget": args.forget is not None}
    kinds = [kind for kind, given in requests.items() if given]
    if len(kinds) > 1:
        hint = "run the helper once for each"
        if words and {"cited-by", "refs"} & set(kinds):
            hint = '--find "WORDS" looks through what cited-by and refs list'
        raise UsageError(f"choose one of a query, --id, {', '.join(_OLDER_SPELLINGS)}", hint=hint)
    kind = kinds[0] if kinds else "search"
    return "details" if kind == "search" and ids_of(args.query) else kind


def check(args: argparse.Namespace, kind: str) -> None:
    """Raise a `UsageError` for options that do not go with this kind of call, and for values out of bounds."""
    name = "ids" if kind == "details" else kind
    hint = f"see `crawl_arxiv {'search' if kind == 'details' else kind} --help`"
    for option in OPTIONS:
        value = _value(args, option)
        if value in (None, False, [], 0) or option == "--limit" or option in OPTIONS_OF[kind] + _IGNORED.get(kind, ()):
            continue
        others = ", ".join(other for other, options in OPTIONS_OF.items() if option in options and other != "details")
        raise UsageError(f"{option} does not go with {name}, only with {others}", hint=hint)
    if args.sort is not None and args.sort not in _SORTS[kind]:
        raise UsageError(f"--sort {args.sort} does not go with {name}", hint=f"take one of {', '.join(_SORTS[kind])}")
    if kind == "trending" and args.source == "arxiv":
        raise UsageError("--source arxiv does not go with trending: it is the Hub's own list", hint=hint)
    for option in ("--section", "--find"):
        value = _value(args, option)
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty", hint=f"give it a value, or leave it out; {hint}")
    if args.section is not None and args.find is not None:
        raise UsageError("choose one of --section and --find", hint="--find looks through the whole paper")
    _check_numbers(args, hint)


def _check_numbers(args: argparse.Namespace, hint: str) -> None:
    if not 1 <= args.limit <= MAX_RESULTS:
        raise UsageError(
            f"--max-results {args.limit} is not between 1 and {MAX_RESULTS}", hint="use --start to see further pages"
        )
    if args.min_citations is not None and args.min_citations < 0:
        raise UsageError(f"--min-citations {args.min_citations} is below 0", hint="leave it out to list all papers")
    if args.start < 0:
        raise UsageError(f"--start {args.start} is below 0", hint="give 0 to begin with the first")
    if not args.read and args.start + args.limit > _MOST_LISTED:
        raise UsageError(
            f"--start {args.start} is not between 0 and {_MOST_LISTED - args.limit}", hint="narrow the search with --since"
        )
    for option, (least, most) in _BOUNDS.items():
        value = _value(args, option)
        if value is not None and not least <= value <= most:
            raise UsageError(f"{option} {value} is not between {least} and {most}", hint=hint)


def _value(args: argparse.Namespace, option: str) -> Any:
    return getattr(args, option.removeprefix("--").replace("-", "_"))


def files_of(args: argparse.Namespace) -> dict[str, Path]:
    """The files to write (`save`, `bibtex`, `html`), checked before any request."""
    named = {name: getattr(args, name) for name in _FILES if getattr(args, name) is not None}
    if args.force and not named:
        raise UsageError("--force goes with --save, --html or --bibtex", hint="see `crawl_arxiv --help`")
    paths = {name: export.check(f"--{name}", text, force=args.force) for name, text in named.items()}
    if len(set(paths.values())) < len(paths):
        raise UsageError("two of --save, --html and --bibtex name the same file", hint="name one file for each")
    return paths


def asks_all(words: str, args: argparse.Namespace) -> bool:
    """Whether a search goes to all services; arXiv's query language and sorting by date need arXiv alone."""
    from ml_intern_helpers.papers.services import arxiv_query

    only_arxiv = args.sort is not None or args.source == "arxiv" or not arxiv_query.is_plain(words)
    if only_arxiv and (args.source == "all" or args.min_citations is not None):
        option = "--min-citations" if args.min_citations is not None else "--source all"
        hint = "only arXiv has this query language and sorting by date, and it has no citation counts"
        raise UsageError(f"{option} needs plain words and no --sort", hint=hint)
    return not only_arxiv


def ids_of(words: Sequence[str]) -> list[ArxivId]:
    """The ids of a query that consists of ids; `UsageError` for a malformed id or a mix of ids and words."""
    whole_id = parse_id(" ".join(words))
    parts = [part for word in words for part in re.split(r"[\s,]+", word) if part]
    parsed = [whole_id] if whole_id else [parse_id(part) for part in parts]
    ids = [paper_id for paper_id in parsed if paper_id is not None]
    if ids and len(ids) < len(parsed):
        hint = f"for papers around it: crawl_arxiv cited-by {ids[0]}, or refs {ids[0]}"
        raise UsageError(f"the query mixes the id {ids[0]} with words", hint=hint)
    if not ids:
        for part in parts:
            if "://" in part or _NEARLY_AN_ID.fullmatch(part):
                require_id(part)
    return list(dict.fromkeys(ids))
