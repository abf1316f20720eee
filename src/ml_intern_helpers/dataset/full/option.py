"""The options of the full scan, and its place in the report."""

from __future__ import annotations

import argparse

from ml_intern_helpers.cli import Context
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.full.size import parse_size
from ml_intern_helpers.report import Report

DEFAULT_MEMORY = "512MB"


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


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def add(report: Report, facts: Facts, args: argparse.Namespace, context: Context) -> None:
    """Run the full scan and put what it found in the place of what the sample showed."""
    from ml_intern_helpers.dataset.full.findings import merged
    from ml_intern_helpers.dataset.full.full_scan import Scan, full_scan

    look = facts.look
    planned = sum(look.stored.sizes.values()) if look.stored else 0
    counted, found = full_scan(Scan(look, facts.columns, facts.parts, facts.method, args.memory, planned))
    report.fields["full"] = counted
    report.findings = merged(report.findings, found, counted)
