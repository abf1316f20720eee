"""Finds the Parquet files with all rows of a dataset on the Hub, announces the bytes to read, and refuses above a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.core.text import clean, human_bytes
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import file_system, parquet_export
from ml_intern_helpers.dataset.sample import Sample, Stored

#: The suggested limit exceeds the planned bytes by this factor.
_MARGIN = 1.2


@dataclass(frozen=True)
class Remote:
    """A dataset to be read over the network.

    Attributes:
        stored: its files, as `hf://` addresses.
        system: the fsspec file system that opens them.
        bytes_planned: about how many bytes of them the needed columns take.
    """

    stored: Stored
    system: Any
    bytes_planned: int


def remote(ref: DatasetRef, sample: Sample, needed: set[str], most_bytes: int, context: Context) -> Remote:
    """The files to read, after announcing how many bytes that takes.

    Raises:
        Unavailable: there are no Parquet files, or none of this revision.
        UsageError: they take more than `most_bytes`; the hint says how to allow it.
    """
    system = file_system.system()
    # Put the inspected split first, so that an error in it is reported before the others are read.
    stored = sample.stored or _export(ref, sample, context)
    order = sorted(stored.splits, key=lambda name: name != sample.split)
    stored = Stored(stored.format, {name: stored.splits[name] for name in order}, stored.sizes, stored.arguments)
    if stored.format != "parquet":
        message = f"{clean(sample.dataset, limit=200)}: --full reads Parquet files on the Hub; these are {stored.format}"
        raise Unavailable(
            message, hint="download them and give their path, or give the dataset's id: it may have a Parquet export"
        )
    planned = int(sum(stored.sizes.values()) * _share(system, stored.splits[sample.split][0], needed))
    if planned > most_bytes:
        message = (
            f"--full would read about {human_bytes(planned)} over the network, more than --max-bytes {human_bytes(most_bytes)}"
        )
        option = f"--max-bytes {int(planned * _MARGIN / 1e9) + 1}GB"
        raise UsageError(message, hint=f"allow it with {option}, or run the audit on HF Jobs (--on-jobs)")
    files = sum(map(len, stored.splits.values()))
    context.announce(f"full scan: reads about {human_bytes(planned)} of {files} Parquet files on the Hub")
    return Remote(stored, system, planned)


def _export(ref: DatasetRef, sample: Sample, context: Context) -> Stored:
    """The files of the Parquet export of the inspected config."""
    if ref.revision and sample.source.kind != "viewer":
        message = f"{ref.name}: the Parquet export is of the main revision, not of {clean(ref.revision, limit=60)!r}"
        raise Unavailable(
            message, hint=f"give the revision's Parquet files: hf://datasets/{ref.name}@{clean(ref.revision, limit=60)}/…"
        )
    try:
        files = parquet_export.files(ref, context)
    except parquet_export.NoExport as err:
        message = f"{ref.name} has no Parquet export, which --full reads"
        raise Unavailable(message, hint="download the files and give their path") from err
    groups = {split: group for (config, split), group in files.items() if config == sample.config}
    if sample.split not in groups:
        raise Unavailable(
            f"{ref.name}: the Parquet export has no split {sample.split!r} of {sample.config!r}",
            hint="choose another with --split or --config",
        )
    partial = [split for split, group in groups.items() if any(entry["partial"] for entry in group)]
    if partial:
        context.warn(f"the Parquet export holds only the first part of {', '.join(clean(name, limit=60) for name in partial)}")
    root = f"hf://datasets/{ref.name}@{parquet_export.REVISION.replace('/', '%2F')}"
    addresses = {split: [f"{root}/{entry['path']}" for entry in group] for split, group in groups.items()}
    return Stored("parquet", addresses, {split: sum(int(e.get("size") or 0) for e in group) for split, group in groups.items()})


def _share(system: Any, address: str, needed: set[str]) -> float:
    """The share of a file's bytes that its needed columns take, from the footer of the file at `address`."""
    import pyarrow.parquet as parquet

    with system.open(address, "rb", block_size=2**16) as stream:
        metadata = parquet.ParquetFile(stream, pre_buffer=False).metadata
    sizes: dict[bool, int] = {True: 0, False: 0}
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            sizes[chunk.path_in_schema.split(".")[0] in needed] += chunk.total_compressed_size
    total = sizes[True] + sizes[False]
    return sizes[True] / total if total and sizes[True] else 1.0
