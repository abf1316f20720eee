"""The options of the full scan, and its place in the report."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import ToolError, Unavailable
from ml_intern_helpers.core.report import Finding, Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles, find_roles
from ml_intern_helpers.dataset.columns import Column, describe
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.full.size import parse_size
from ml_intern_helpers.dataset.full.whole import Whole, whole
from ml_intern_helpers.dataset.local.bounds import beside_full
from ml_intern_helpers.dataset.sample import Sample

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.full.full_scan import Scan
    from ml_intern_helpers.dataset.profile.sketch import Sketch

#: A Parquet file written in row groups of 400 MB is read with this; with 512 MB it is not. The process stays below 1 GB.
DEFAULT_MEMORY = "700MB"
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


@dataclass(frozen=True)
class Scanned:
    """What a full scan has brought.

    Attributes:
        look: with the rows it has found something in.
        counted: the `full` object of the report.
        findings: over all rows.
        whole: what a decision rests on.
        sketch: of every row, to compare datasets by; None where there can be none.
    """

    look: Sample
    counted: dict[str, Any]
    findings: list[Finding]
    whole: Whole
    sketch: Sketch | None


def scanned(asked: DatasetRef, look: Sample, args: argparse.Namespace, context: Context) -> Scanned | None:
    """Run the full scan, where it was asked for; before the verdicts, which must hold for what it finds."""
    if not args.full or args.on_jobs:
        return None
    from ml_intern_helpers.dataset.full.flagged import with_flagged
    from ml_intern_helpers.dataset.full.full_scan import full_scan

    columns = describe(look.columns, look.rows, look.types)
    scan = _scan(asked, look, columns, find_roles(columns, look.rows), args, context)
    done = full_scan(scan)
    counted, of_all = done.told, whole(done.told, done.together)
    if not asked.local:
        return Scanned(look, counted, done.findings, of_all, done.sketch)
    splits = [
        replace(item, num_rows=counted["rows"], num_rows_is="exact") if item.split == look.split else item for item in look.splits
    ]
    return Scanned(replace(with_flagged(look, counted["counts"]), splits=splits), counted, done.findings, of_all, done.sketch)


def sketched(asked: DatasetRef, look: Sample, args: argparse.Namespace, context: Context) -> Sketch | None:
    """With `--full`, the sketch of all rows of the dataset to compare with; where it cannot be had the sample must do."""
    if not args.full or args.on_jobs or look.extent.complete:
        return None
    from ml_intern_helpers.dataset.full.full_scan import sketch_alone

    columns = describe(look.columns, look.rows, look.types)
    try:
        return sketch_alone(_scan(asked, look, columns, find_roles(columns, look.rows), args, context))
    except ToolError as err:
        context.warn(f"of {clean(look.dataset, limit=100)} only a sample is compared: {err.message}")
        return None


def tell(report: Report, done: Scanned | None, asked: DatasetRef, look: Sample, args: argparse.Namespace) -> None:
    """Put what a scan has found in the place of what the sample showed, or the launch of one into the report."""
    if done:
        from ml_intern_helpers.dataset.full.findings import merged

        report.fields["full"] = done.counted
        report.findings = merged(report.findings, done.findings, done.counted)
    if args.on_jobs:
        from ml_intern_helpers.dataset.full.on_jobs import on_jobs

        sizes = [item.num_bytes for item in look.splits if item.config == look.config]
        report.fields["on_jobs"] = on_jobs(asked, args, sum(filter(None, sizes)) or None)


def _scan(
    asked: DatasetRef, look: Sample, columns: list[Column], parts: ColumnRoles, args: argparse.Namespace, context: Context
) -> Scan:
    """What is to be scanned; for a dataset on the Hub, its files are found and their bytes told first."""
    from ml_intern_helpers.dataset.full.full_scan import Scan

    system = None
    if asked.local:
        planned = sum(look.stored.sizes.values()) if look.stored else 0
    else:
        from ml_intern_helpers.dataset.full.remote import remote

        if context.offline:
            raise Unavailable("--full reads the files themselves, and this is offline", hint="run again online")
        from ml_intern_helpers.dataset.full.columns import needed

        far = remote(asked, look, needed(look, parts), args.max_bytes, context)
        look, system, planned = replace(look, stored=far.stored), far.system, far.bytes_planned
    return Scan(look, columns, parts, args.method, args.memory, planned, system)
