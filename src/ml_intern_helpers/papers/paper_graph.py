"""The options of crawl_arxiv that walk the graph, and those that write files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.walk.bounds import (
    ANSWERS,
    FEWEST_ANSWERS,
    HOPS,
    MOST_ANSWERS,
    MOST_HOPS,
    MOST_PAPERS,
    PAPERS,
)

_FILES = ("save", "bibtex", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--graph", metavar="ID", help="walk the citations around it, most promising paper first; with these:")
    parser.add_argument("--hops", type=int, metavar="N", help=f"steps from the paper, 1 to {MOST_HOPS} (default {HOPS})")
    parser.add_argument(
        "--budget", type=int, metavar="N", help=f"answers to use, {FEWEST_ANSWERS} to {MOST_ANSWERS} (default {ANSWERS})"
    )
    parser.add_argument("--papers", type=int, metavar="N", help=f"papers to keep, 10 to {MOST_PAPERS} (default {PAPERS})")
    parser.add_argument("--save", metavar="FILE", help="write the whole graph as JSON, abstracts too (one of the answers)")
    parser.add_argument("--html", metavar="FILE", help="write it as a page to explore, in one file that loads nothing")
    parser.add_argument("--bibtex", metavar="FILE", help="write the papers as BibTeX (of --graph all, else those shown)")
    parser.add_argument("--force", action="store_true", help="let a file that is there be replaced")


def check(args: argparse.Namespace, *, papers: bool) -> None:
    """Refuse what would otherwise be ignored in silence; `papers`: whether the answer is a list of papers."""
    for name in ("hops", "budget", "papers", "save", "html"):
        if getattr(args, name) is not None and not args.graph:
            raise UsageError(f"--{name} goes with --graph ID", hint="see `crawl_arxiv --help`")
    if args.bibtex is not None and not (papers or args.graph):
        raise UsageError("--bibtex goes with an answer that lists papers", hint="see `crawl_arxiv --help`")
    if args.force and not any(getattr(args, name) for name in _FILES):
        raise UsageError("--force goes with --save, --html or --bibtex", hint="see `crawl_arxiv --help`")
    _between("--hops", args.hops, 1, MOST_HOPS)
    _between("--budget", args.budget, FEWEST_ANSWERS, MOST_ANSWERS)
    _between("--papers", args.papers, 10, MOST_PAPERS)


def targets(args: argparse.Namespace) -> dict[str, Path]:
    """The files to write, looked at before anything is asked for them."""
    from ml_intern_helpers.papers.walk import files

    named = {name: getattr(args, name) for name in _FILES if getattr(args, name) is not None}
    found = {name: files.check(f"--{name}", text, force=args.force) for name, text in named.items()}
    if len(set(found.values())) < len(found):
        raise UsageError("two of --save, --html and --bibtex name the same file", hint="name one file for each")
    return found


def run(args: argparse.Namespace, context: Context, empty: dict[str, Any]) -> Report:
    """Walk; the files are looked at before anything is asked for them."""
    require_id(args.graph)
    aims = targets(args)
    from ml_intern_helpers.papers.walk import answer

    return answer.run(args, context, empty, aims)


def with_bibtex(report: Report, aims: dict[str, Path]) -> Report:
    """The report, with the papers it shows written down where that was asked for."""
    if "bibtex" in aims:
        from ml_intern_helpers.papers.walk import bibtex, files

        written = files.write(aims["bibtex"], bibtex.bibtex(report.fields["papers"]))
        report.fields["files"] = [{"kind": "bibtex", **written}]
    return report


def _between(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise UsageError(f"{name} {value} is not between {least} and {most}", hint="see `crawl_arxiv --help`")
