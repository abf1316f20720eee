"""Which arguments of crawl_arxiv go together: everything is refused that would otherwise be ignored in silence."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.papers import paper_notes
from ml_intern_helpers.papers.ids import ArxivId, parse_id, require_id

MAX_RESULTS = 100
_NEARLY_AN_ID = re.compile(r"arxiv\s*:.*|\d{4}\.\d+(?:v\d*)?|[a-z.-]+/\d{7}v?\d*|(?:doi:\s*)?10\.\d{4,}/\S+", re.IGNORECASE)


def check_one_thing(words: str, args: argparse.Namespace) -> None:
    """One question at a time."""
    chosen = [words, args.id, args.citations, args.references, args.read, args.recipe, args.trending, args.graph]
    if sum(map(bool, [*chosen, *paper_notes.chosen(args)])) > 1:
        told = (
            "choose one of a query, --id, --trending, --cited-by, --refs, --graph, --read, --recipe, --note, --notes and --forget"
        )
        among = '--find "WORDS" looks through what --cited-by and --refs list'
        raise UsageError(told, hint=among if words and (args.citations or args.references) else "run the helper once for each")


def check_lists(args: argparse.Namespace, *, graph_mode: bool, details: bool) -> None:
    """Refuse what would otherwise be ignored in silence."""
    from ml_intern_helpers.papers import arxiv
    from ml_intern_helpers.papers import semantic_scholar as s2

    check_paging(args)
    if args.start + args.limit > arxiv.DEEPEST:
        raise UsageError(f"--start {args.start} is not between 0 and {arxiv.DEEPEST - args.limit}", hint="narrow with --since")
    if args.scan is not None and not 1 <= args.scan <= s2.DEEPEST:
        raise UsageError(f"--scan {args.scan} is not between 1 and {s2.DEEPEST}", hint="the service lists no more")
    misplaced = {"--influential": args.influential, "--scan": args.scan is not None, "--sort influence": args.sort == "influence"}
    if graph_mode:
        misplaced = {"--category": args.category, f"--sort {args.sort}": args.sort in ("relevance", "updated")}
        misplaced |= _of_a_search(args)
    elif details:
        dated = bool(args.since or args.until)
        misplaced |= {"--category": args.category, "--since/--until": dated, "--sort": args.sort, "--start": args.start}
        misplaced |= _of_a_search(args)
    _refuse(misplaced, "--cited-by and --refs" if graph_mode else "ids" if details else "a search")


def check_graph(args: argparse.Namespace) -> None:
    """The options of lists mean nothing to a walk."""
    check_paging(args)
    given = {"--influential": args.influential, "--scan": args.scan is not None, "--start": args.start, "--since": args.since}
    given |= {"--until": args.until, "--category": args.category, "--sort": args.sort, **_of_a_search(args)}
    _refuse(given, "--graph")


def check_paging(args: argparse.Namespace) -> None:
    """Figures within their bounds."""
    if not 1 <= args.limit <= MAX_RESULTS:
        raise UsageError(f"--max-results {args.limit} is not between 1 and {MAX_RESULTS}", hint="page with --start")
    if args.min_citations is not None and args.min_citations < 0:
        raise UsageError(f"--min-citations {args.min_citations} is below 0", hint="leave it out for all")
    if args.start < 0:
        raise UsageError(f"--start {args.start} is below 0", hint="the first one is 0")


def asks_all(words: str, args: argparse.Namespace) -> bool:
    """Whether a search goes to all services: arXiv alone knows its own language, and can sort by date."""
    if args.trending:
        if args.source == "arxiv" or args.sort or args.category or args.since or args.until or args.min_citations is not None:
            raise UsageError("--trending is the Hub's own list: no filter, no --sort", hint="see `crawl_arxiv --help`")
        return True
    from ml_intern_helpers.papers import query

    only_arxiv = args.sort is not None or args.source == "arxiv" or not query.is_plain(words)
    if only_arxiv and (args.source == "all" or args.min_citations is not None):
        told = "--min-citations" if args.min_citations is not None else "--source all"
        raise UsageError(
            f"{told} needs plain words and no --sort", hint="arXiv alone knows its language and dates, but no counts"
        )
    return not only_arxiv


def ids_of(words: Sequence[str]) -> list[ArxivId]:
    """The ids when the query consists of ids; `UsageError` when it is nearly one, or mixes ids and words."""
    whole = parse_id(" ".join(words))
    parts = [part for word in words for part in re.split(r"[\s,]+", word) if part]
    parsed = [whole] if whole else [parse_id(part) for part in parts]
    found = [paper_id for paper_id in parsed if paper_id is not None]
    if found and len(found) < len(parsed):
        hint = f"for papers around it: crawl_arxiv --cited-by {found[0]}, or --refs {found[0]}"
        raise UsageError(f"the query mixes the id {found[0]} with words", hint=hint)
    if not found:
        for part in parts:
            if "://" in part or _NEARLY_AN_ID.fullmatch(part):
                require_id(part)
    return list(dict.fromkeys(found))


def _refuse(options: Mapping[str, object], kind: str) -> None:
    for name, given in options.items():
        if given:
            raise UsageError(f"{name} does not go with {kind}", hint="see `crawl_arxiv --help`")


def _of_a_search(args: argparse.Namespace) -> dict[str, bool]:
    return {"--source": args.source is not None, "--min-citations": args.min_citations is not None}
