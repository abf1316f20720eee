"""The options of crawl_arxiv that go into a paper: `--read` with `--section` or `--find`, and `--recipe`."""

from __future__ import annotations

import argparse
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.reading import paging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read", metavar="ID", help="contents of the paper with the size of each section; with one of these:")
    parser.add_argument(
        "--section", metavar="NAME", help="that part as Markdown: 3, A.1, #7, method, training, references, 'Table 2'"
    )
    parser.add_argument(
        "--find",
        metavar="WORDS",
        help="short passages of the whole paper that hold these words; of --cited-by and --refs: papers whose title or "
        "citing sentences hold them",
    )
    parser.add_argument(
        "--recipe", metavar="ID", help="base model, data, method, hyper-parameters, hardware, results, with quotes"
    )
    default, fewest, most = paging.CHARACTERS, paging.FEWEST, paging.MOST
    parser.add_argument("--chars", type=int, metavar="N", help=f"characters of a page, {fewest} to {most} (default {default})")


def wanted(args: argparse.Namespace) -> bool:
    return bool(args.read or args.recipe)


def check(args: argparse.Namespace) -> None:
    """Refuse what would otherwise be ignored in silence."""
    whole = "--recipe" if args.recipe else "--read"
    others = {"--category": args.category, "--since": args.since, "--until": args.until, "--sort": args.sort}
    others |= {"--influential": args.influential, "--scan": args.scan is not None, "--full": args.full and not args.recipe}
    others |= {"--source": args.source is not None, "--min-citations": args.min_citations is not None}
    if args.recipe:
        others |= {"--section": args.section is not None, "--find": args.find is not None, "--start": args.start}
    _refuse(others, whole)
    for name in ("section", "find"):
        given = getattr(args, name)
        if given is not None and not given.strip():
            raise UsageError(f"--{name} is empty", hint="leave it out to see the contents of the paper")
    if args.section is not None and args.find is not None:
        raise UsageError("choose one of --section and --find", hint="--find looks through the whole paper")
    if args.chars is not None and not paging.FEWEST <= args.chars <= paging.MOST:
        raise UsageError(f"--chars {args.chars} is not between {paging.FEWEST} and {paging.MOST}", hint="page with --start")


def check_absent(args: argparse.Namespace) -> None:
    """Without `--read` its options mean nothing; `--find` also looks through citations."""
    for name in ("section", "chars"):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} goes with --read ID", hint="see `crawl_arxiv --help`")
    if args.find is not None and not ((args.citations or args.references) and args.find.strip()):
        raise UsageError(
            "--find WORDS goes with --read, --cited-by or --refs ID", hint="to search for papers, give the words alone"
        )


def _refuse(options: dict[str, Any], whole: str) -> None:
    for name, given in options.items():
        if given:
            raise UsageError(f"{name} does not go with {whole}", hint="see `crawl_arxiv --help`")


def run(args: argparse.Namespace, context: Context) -> Report:
    """Do what the arguments name; `check` has been through."""
    room = args.chars or paging.CHARACTERS
    if args.recipe:
        from ml_intern_helpers.papers.recipe import report as recipe

        return recipe.recipe(require_id(args.recipe), context, full=args.full)
    from ml_intern_helpers.papers.reading import report as reading

    options = reading.ReadingOptions(require_id(args.read), args.section, args.find, args.start, args.limit, room)
    return reading.read(options, context)
