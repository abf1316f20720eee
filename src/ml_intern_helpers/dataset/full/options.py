"""The full scan's part of the command: its options, its place in the report, and its lines of the text report."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import ToolError, Unavailable
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean, human_bytes
from ml_intern_helpers.dataset.column_roles import find_roles
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.local.bounds import beside_full
from ml_intern_helpers.dataset.sample import Row, Sample, with_every_column

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.full.scan import Counted, Scan
    from ml_intern_helpers.dataset.profile.sketch import Sketch

#: A Parquet file written in row groups of 400 MB is read with this; with 512 MB it is not. The process stays below 1 GB.
DEFAULT_MEMORY = "700MB"
DEFAULT_MOST = "5GB"
#: Rows for each code, and in all; a row group of Parquet is opened for each.
_MOST_EACH, _MOST = 2, 40
#: Codes that are found by comparing rows: a single row shows nothing.
_COMPARED = ("SET307", "SET313")
#: Orders of speakers and labels that the text report shows.
_MOST_PATTERNS, _MOST_LABELS = 5, 8
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--full` and what bounds it."""
    parser.add_argument("--full", action="store_true", help="count over every row (DuckDB): a whole file, or the Hub's Parquet")
    parser.add_argument(
        "--memory",
        type=parse_size,
        default=parse_size(DEFAULT_MEMORY),
        metavar="SIZE",
        help=f"memory of DuckDB for --full; the process takes some 250 MB more (default {DEFAULT_MEMORY})",
    )
    parser.add_argument(
        "--max-bytes",
        type=parse_size,
        default=parse_size(DEFAULT_MOST),
        metavar="SIZE",
        help=f"most that --full may read over the network; beyond, it stops before it starts (default {DEFAULT_MOST})",
    )
    parser.add_argument(
        "--on-jobs", action="store_true", help="write a script that runs --full on HF Jobs, and tell its launch; launches nothing"
    )


def parse_size(text: str) -> int:
    """`512MB`, `2GB`, `1.5GiB` in bytes.

    Raises:
        ArgumentTypeError: no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MB or 2GB")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " KMGT".index(match[2].upper() or " "))


def small_sample(args: argparse.Namespace) -> AbstractContextManager[None]:
    """A context in which the sample is kept small, since all rows are counted anyway."""
    return beside_full(args.full and not args.on_jobs)


@dataclass(frozen=True)
class Scanned:
    """The result of a full scan: the sample, extended by rows in which it has found something, and the counts."""

    sample: Sample
    counted: Counted


def scan_all_rows(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Scanned | None:
    """Run the full scan, where it was asked for; before the verdicts, which must hold for what it finds."""
    if not args.full or args.on_jobs:
        return None
    from ml_intern_helpers.dataset.full.scan import full_scan

    counted = full_scan(_scan(ref, sample, args, context))
    if not ref.local:
        return Scanned(sample, counted)
    rows = counted.fields["rows"]
    splits = [replace(item, num_rows=rows, num_rows_is="exact") if item.split == sample.split else item for item in sample.splits]
    return Scanned(replace(_with_found_rows(sample, counted.fields["counts"]), splits=splits), counted)


def sketch_all_rows(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Sketch | None:
    """With `--full`, the sketch of all rows of the dataset to compare with; None where only the sample can be used."""
    if not args.full or args.on_jobs or sample.extent.complete:
        return None
    from ml_intern_helpers.dataset.full.scan import sketch_alone

    try:
        return sketch_alone(_scan(ref, sample, args, context))
    except ToolError as err:
        context.warn(f"of {clean(sample.dataset, limit=100)} only a sample is compared: {err.message}")
        return None


def fill_report(report: Report, done: Scanned | None, ref: DatasetRef, sample: Sample, args: argparse.Namespace) -> None:
    """Replace the results of the sample in the report by those of the scan, or add the launch of a scan."""
    if done:
        from ml_intern_helpers.dataset.full.scan import merged

        report.fields["full"] = done.counted.fields
        report.findings = merged(report.findings, done.counted.findings, done.counted.fields)
    if args.on_jobs:
        from ml_intern_helpers.dataset.full.on_jobs import on_jobs

        sizes = [item.num_bytes for item in sample.splits if item.config == sample.config]
        report.fields["on_jobs"] = on_jobs(ref, args, sum(filter(None, sizes)) or None)


def _scan(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Scan:
    """What is to be scanned; for a dataset on the Hub, its files are found and their bytes announced first."""
    from ml_intern_helpers.dataset.full.scan import Scan

    columns, system = describe(sample.columns, sample.rows, sample.types), None
    roles = find_roles(columns, sample.rows)
    if ref.local:
        planned = sum(sample.stored.sizes.values()) if sample.stored else 0
    else:
        if context.offline:
            raise Unavailable("--full reads the files themselves, and this is offline", hint="run again online")
        from ml_intern_helpers.dataset.checks.sql import columns_to_read
        from ml_intern_helpers.dataset.full.remote import remote

        far = remote(ref, sample, columns_to_read(sample, roles), args.max_bytes, context)
        sample, system, planned = replace(sample, stored=far.stored), far.system, far.bytes_planned
    return Scan(sample, columns, roles, args.method, args.memory, planned, system)


def _with_found_rows(sample: Sample, counts: dict[str, dict[str, Any]]) -> Sample:
    """`sample` with the first rows of each code in `counts`: verdict, mapping and filters must hold for them, too.
    As it is where they cannot be had."""
    known = set(sample.numbers)
    wanted = {number for code, found in counts.items() if code not in _COMPARED for number in found["row_numbers"][:_MOST_EACH]}
    numbers = sorted(wanted - known)[:_MOST]
    if not numbers or sample.stored is None:
        return sample
    from ml_intern_helpers.dataset.local.json_files import rows_at

    paths = [Path(path) for path in sample.stored.splits[sample.split]]
    readers = {"jsonl": rows_at, "parquet": _of_parquet}
    reader = readers.get(sample.stored.format)
    if reader is None:
        return sample
    pairs = sorted([*zip(sample.numbers, sample.rows, strict=True), *reader(paths, numbers)], key=lambda pair: pair[0])
    rows = with_every_column([row for _, row in pairs])
    return replace(
        sample,
        rows=rows,
        numbers=[number for number, _ in pairs],
        extent=replace(sample.extent, rows_sampled=len(rows), order="spread over the data"),
    )


def _of_parquet(paths: list[Path], numbers: list[int]) -> Iterator[tuple[int, Row]]:
    """(number, row) of the rows `numbers`, 1-based over all files."""
    import pyarrow.parquet as parquet

    from ml_intern_helpers.dataset.local.columnar import light_columns

    start, wanted = 0, list(numbers)
    for path in paths:
        file = parquet.ParquetFile(path)
        columns = light_columns(file.schema_arrow)
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            inside = [number for number in wanted if start < number <= start + size]
            if inside:
                yield from zip(inside, _taken(file, group, columns, [number - start - 1 for number in inside]), strict=True)
            start += size


def _taken(file: Any, group: int, columns: list[str], places: list[int]) -> Iterator[Row]:
    """The rows at `places` of a row group, a few thousand rows in memory at a time."""
    first = 0
    for batch in file.iter_batches(1024, row_groups=[group], columns=columns):
        for place in places:
            if first <= place < first + batch.num_rows:
                yield batch.slice(place - first, 1).to_pylist()[0]
        first += batch.num_rows
        if first > places[-1]:
            return


def full_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The full scan, and the launch of one elsewhere."""
    yield from _scan_lines(fields["full"], fields["looked_at"])
    launch = fields["on_jobs"]
    if launch:
        yield f"\nfull scan on HF Jobs ({launch['note']}):"
        yield f"    {launch['command']}"
        yield f"  {launch['script']} was written here: it carries this audit, since the package is on no index"


def _scan_lines(full: dict[str, Any] | None, at: dict[str, Any]) -> Iterator[str]:
    """Rows and bytes, then orders of speakers, lengths, labels, what splits share, and what all this is not; nothing without a
    full scan."""
    if not full:
        return
    yield f"\nfull scan (DuckDB): all {full['rows']:,} rows, {human_bytes(full['bytes_read'])} in {full['seconds']:.1f} s"
    if full["role_patterns"]:
        shown = [f"{pattern or 'no turns'}: {rows:,}" for pattern, rows in full["role_patterns"][:_MOST_PATTERNS]]
        yield f"  orders of speakers: {'; '.join(shown)}{_more(len(full['role_patterns']), _MOST_PATTERNS)}"
    length = full["length_histogram"]
    if length:
        figures = ", ".join(f"{word} {length[word]:,}" for word in ("min", "median", "p95", "p99", "max"))
        yield f"  characters of {length['of']}, all rows: {figures}"
    if full["label_counts"]:
        shown = [f"{label!r} {rows:,}" for label, rows in list(full["label_counts"].items())[:_MOST_LABELS]]
        yield f"  labels: {', '.join(shown)}{_more(len(full['label_counts']), _MOST_LABELS)}"
    for leak in full["leakage"]:
        shared = f"{leak['same_rows']:,} same rows, {leak['same_questions']:,} same questions"
        yield f"  shared with split {leak['split']} ({leak['rows']:,} rows): {shared}"
    if not at["complete"]:
        yield f"  of the {at['rows_sampled']:,} sampled rows alone: near copies, languages, tokens, verdicts and mapping"


def _more(count: int, most: int) -> str:
    return f" … {count - most} more in --json" if count > most else ""
