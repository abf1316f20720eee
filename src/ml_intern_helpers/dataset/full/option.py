"""The options of the full scan, and its place in the report."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_intern_helpers.cli import Context
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.full.size import parse_size
from ml_intern_helpers.dataset.local.bounds import beside_full
from ml_intern_helpers.dataset.target import Asked
from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.report import Report
from ml_intern_helpers.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.full.full_scan import Scan

DEFAULT_MEMORY = "512MB"
DEFAULT_MOST = "5GB"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--full` and what bounds it."""
    parser.add_argument("--full", action="store_true", help="count over every row (DuckDB): a whole file, or the Hub's Parquet")
    parser.add_argument(
        "--memory",
        type=_size,
        default=parse_size(DEFAULT_MEMORY),
        metavar="SIZE",
        help=f"memory of DuckDB for --full; the process takes some 250 MB more (default {DEFAULT_MEMORY})",
    )
    parser.add_argument(
        "--max-bytes",
        type=_size,
        default=parse_size(DEFAULT_MOST),
        metavar="SIZE",
        help=f"most that --full may read over the network; beyond, it stops before it starts (default {DEFAULT_MOST})",
    )
    parser.add_argument(
        "--on-jobs", action="store_true", help="write a script that runs --full on HF Jobs, and tell its launch; launches nothing"
    )


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def beside(args: argparse.Namespace) -> AbstractContextManager[None]:
    """While it lasts, the sample is kept small where all rows are counted anyway."""
    return beside_full(args.full and not args.on_jobs)


def add(report: Report, asked: Asked, facts: Facts, args: argparse.Namespace, context: Context) -> None:
    """What was asked for of the two: the full scan here, its launch elsewhere."""
    if args.on_jobs:
        from ml_intern_helpers.dataset.full.on_jobs import on_jobs

        sizes = [item.num_bytes for item in facts.look.splits if item.config == facts.look.config]
        report.fields["on_jobs"] = on_jobs(asked, args, sum(filter(None, sizes)) or None)
    elif args.full:
        _scanned(report, asked, facts, args, context)


def _scanned(report: Report, asked: Asked, facts: Facts, args: argparse.Namespace, context: Context) -> None:
    """Run the full scan and put what it found in the place of what the sample showed."""
    from ml_intern_helpers.dataset.full.findings import merged
    from ml_intern_helpers.dataset.full.full_scan import full_scan

    counted, found = full_scan(_scan(asked, facts, args, context))
    report.fields["full"] = counted
    if asked.local:
        _count_rows(report, facts, counted["rows"])
    report.findings = merged(report.findings, found, counted)


def _count_rows(report: Report, facts: Facts, rows: int) -> None:
    """The number of rows of the split is known now."""
    for item in report.fields["splits"]:
        if item["split"] == clean(facts.look.split):
            item.update(num_rows=rows, num_rows_is="exact")


def _scan(asked: Asked, facts: Facts, args: argparse.Namespace, context: Context) -> Scan:
    """What is to be scanned; for a dataset on the Hub, its files are found and their bytes told first."""
    from ml_intern_helpers.dataset.full.full_scan import Scan

    look, system = facts.look, None
    if asked.local:
        planned = sum(look.stored.sizes.values()) if look.stored else 0
    else:
        from ml_intern_helpers.dataset.full.remote import remote

        if context.offline:
            raise Unavailable("--full reads the files themselves, and this is offline", hint="run again online")
        far = remote(asked, look, set(facts.parts.by_part.values()), args.max_bytes, context)
        look, system, planned = replace(look, stored=far.stored), far.system, far.bytes_planned
    return Scan(look, facts.columns, facts.parts, facts.method, args.memory, planned, system)
