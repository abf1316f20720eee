"""Connects the full scan with the command `inspect_dataset`: its options, its fields of the report, and its lines of text."""

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
#: Rows with a problem that are added to the sample, per code and in all; each may open a row group of Parquet.
_MOST_PER_CODE, _MOST = 2, 40
#: Codes of problems between rows, which single rows do not show.
_COMPARED = ("SET307", "SET313")
#: Most orders of speakers and labels in the text report.
_MOST_PATTERNS, _MOST_LABELS = 5, 8
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--full`, its limits and `--on-jobs`."""
    parser.add_argument(
        "--full", action="store_true", help="count over every row with DuckDB: of local files, or of the Hub's Parquet files"
    )
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
        help=f"most that --full may read over the network; if more is needed, it refuses to start (default {DEFAULT_MOST})",
    )
    parser.add_argument(
        "--on-jobs", action="store_true", help="write a script that runs --full on HF Jobs and show its command; launches nothing"
    )


def parse_size(text: str) -> int:
    """A size such as `512MB`, `2GB` or `1.5GiB` in bytes.

    Raises:
        ArgumentTypeError: `text` is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MB or 2GB")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** " KMGT".index(match[2].upper() or " "))


def small_sample(args: argparse.Namespace) -> AbstractContextManager[None]:
    """A context that keeps the sample small when a full scan counts all rows anyway."""
    return beside_full(args.full and not args.on_jobs)


@dataclass(frozen=True)
class Scanned:
    """The result of a full scan: the counts, and the sample extended by rows in which it found problems."""

    sample: Sample
    counted: Counted


def scan_all_rows(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Scanned | None:
    """Run the full scan if `--full` is given. Call it before the verdicts, which must consider the rows that it finds."""
    if not args.full or args.on_jobs:
        return None
    from ml_intern_helpers.dataset.full.scan import full_scan

    counted = full_scan(_scan(ref, sample, args, context))
    if not ref.local:
        return Scanned(sample, counted)
    rows = counted.fields["rows"]
    splits = [replace(item, num_rows=rows, num_rows_is="exact") if item.split == sample.split else item for item in sample.splits]
    return Scanned(replace(_with_problem_rows(sample, counted.fields["counts"]), splits=splits), counted)


def sketch_all_rows(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Sketch | None:
    """With `--full`, the sketch of all rows of the dataset to compare with; None when only its sample can be used."""
    if not args.full or args.on_jobs or sample.extent.complete:
        return None
    from ml_intern_helpers.dataset.full.scan import sketch_alone

    try:
        return sketch_alone(_scan(ref, sample, args, context))
    except ToolError as err:
        context.warn(f"of {clean(sample.dataset, limit=100)} only a sample is compared: {err.message}")
        return None


def fill_report(report: Report, scanned: Scanned | None, ref: DatasetRef, sample: Sample, args: argparse.Namespace) -> None:
    """Replace the sample's results in the report by those of the scan; with `--on-jobs` add the launch of a scan."""
    if scanned:
        from ml_intern_helpers.dataset.full.scan import merged

        report.fields["full"] = scanned.counted.fields
        report.findings = merged(report.findings, scanned.counted.findings, scanned.counted.fields)
    if args.on_jobs:
        from ml_intern_helpers.dataset.full.on_jobs import on_jobs

        sizes = [item.num_bytes for item in sample.splits if item.config == sample.config]
        report.fields["on_jobs"] = on_jobs(ref, args, sum(filter(None, sizes)) or None)


def _scan(ref: DatasetRef, sample: Sample, args: argparse.Namespace, context: Context) -> Scan:
    """What to scan; for a dataset on the Hub, find its files and announce their bytes first."""
    from ml_intern_helpers.dataset.full.scan import Scan

    columns, system = describe(sample.columns, sample.rows, sample.types), None
    roles = find_roles(columns, sample.rows)
    if ref.local:
        planned = sum(sample.stored.sizes.values()) if sample.stored else 0
    else:
        if context.offline:
            raise Unavailable(
                "--full must read the dataset's files from the Hub, but this run is offline", hint="run again online"
            )
        from ml_intern_helpers.dataset.checks.sql import columns_to_read
        from ml_intern_helpers.dataset.hub.parquet_export import remote

        on_hub = remote(ref, sample, columns_to_read(sample, roles), args.max_bytes, context)
        sample, system, planned = replace(sample, stored=on_hub.stored), on_hub.system, on_hub.bytes_planned
    return Scan(sample, columns, roles, args.method, args.memory, planned, system)


def _with_problem_rows(sample: Sample, counts: dict[str, dict[str, Any]]) -> Sample:
    """`sample` plus the first rows of each code in `counts`, so that verdict, mapping and filters consider them; unchanged if
    those rows cannot be read."""
    known = set(sample.numbers)
    wanted = {
        number for code, count in counts.items() if code not in _COMPARED for number in count["row_numbers"][:_MOST_PER_CODE]
    }
    numbers = sorted(wanted - known)[:_MOST]
    if not numbers or sample.stored is None:
        return sample
    from ml_intern_helpers.dataset.local.json_files import rows_at

    paths = [Path(path) for path in sample.stored.splits[sample.split]]
    readers = {"jsonl": rows_at, "parquet": _parquet_rows_at}
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


def _parquet_rows_at(paths: list[Path], numbers: list[int]) -> Iterator[tuple[int, Row]]:
    """(number, row) for each of the row `numbers`, which count from 1 over all files."""
    import pyarrow.parquet as parquet

    from ml_intern_helpers.dataset.local.columnar import light_columns

    start, wanted = 0, list(numbers)
    for path in paths:
        file = parquet.ParquetFile(path)
        columns = light_columns(file.schema_arrow)
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            in_group = [number for number in wanted if start < number <= start + size]
            if in_group:
                yield from zip(in_group, _rows_at(file, group, columns, [number - start - 1 for number in in_group]), strict=True)
            start += size


def _rows_at(file: Any, group: int, columns: list[str], places: list[int]) -> Iterator[Row]:
    """The rows at `places` of a row group, with 1,024 rows in memory at a time."""
    first = 0
    for batch in file.iter_batches(1024, row_groups=[group], columns=columns):
        for place in places:
            if first <= place < first + batch.num_rows:
                yield batch.slice(place - first, 1).to_pylist()[0]
        first += batch.num_rows
        if first > places[-1]:
            return


def full_lines(fields: dict[str, Any]) -> Iterator[str]:
    """The text report's lines on the full scan, and on the launch of one on HF Jobs."""
    yield from _scan_lines(fields["full"], fields["looked_at"])
    launch = fields["on_jobs"]
    if launch:
        yield f"\nfull scan on HF Jobs ({launch['note']}):"
        yield f"    {launch['command']}"
        yield f"  {launch['script']} was written here; it contains the code of this audit, which is on no package index"


def _scan_lines(full: dict[str, Any] | None, looked_at: dict[str, Any]) -> Iterator[str]:
    """Rows and bytes, orders of speakers, lengths, labels, rows shared with other splits, and which results cover only the
    sample; no lines without a full scan."""
    if not full:
        return
    yield f"\nfull scan (DuckDB): all {full['rows']:,} rows, {human_bytes(full['bytes_read'])} in {full['seconds']:.1f} s"
    if full["role_patterns"]:
        shown = [f"{pattern or 'no turns'}: {rows:,}" for pattern, rows in full["role_patterns"][:_MOST_PATTERNS]]
        yield f"  orders of speakers: {'; '.join(shown)}{_more(len(full['role_patterns']), _MOST_PATTERNS)}"
    lengths = full["length_histogram"]
    if lengths:
        figures = ", ".join(f"{word} {lengths[word]:,}" for word in ("min", "median", "p95", "p99", "max"))
        yield f"  characters of {lengths['of']}, all rows: {figures}"
    if full["label_counts"]:
        shown = [f"{label!r} {rows:,}" for label, rows in list(full["label_counts"].items())[:_MOST_LABELS]]
        yield f"  labels: {', '.join(shown)}{_more(len(full['label_counts']), _MOST_LABELS)}"
    for leak in full["leakage"]:
        shared = f"{leak['same_rows']:,} same rows, {leak['same_questions']:,} same questions"
        yield f"  shared with split {leak['split']} ({leak['rows']:,} rows): {shared}"
    if not looked_at["complete"]:
        yield f"  of the {looked_at['rows_sampled']:,} sampled rows alone: near copies, languages, tokens, verdicts and mapping"


def _more(count: int, most: int) -> str:
    return f" … {count - most} more in --json" if count > most else ""
