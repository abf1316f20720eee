"""Reads the Parquet copy that the Hub keeps of most datasets, in pieces, through the Hub's own file system.

For the full scan it finds the files with all rows, announces the bytes to read, and refuses above a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import ToolError, Unavailable, UsageError
from ml_intern_helpers.core.text import clean, human_bytes
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.columns import schema_types
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.hub import file_system
from ml_intern_helpers.dataset.hub.viewer import ViewerError
from ml_intern_helpers.dataset.sample import Extent, Sample, Source, Split, Stored
from ml_intern_helpers.dataset.splits import choose_split, load_line
from ml_intern_helpers.web.services import HUB

REVISION = "refs/convert/parquet"
SAMPLE = 100
_FILE = re.compile(r"^(?P<config>.+)/(?P<partial>partial-)?(?P<split>[^/]+)/\d+\.parquet$")
Files = dict[tuple[str, str], list[dict[str, Any]]]


class NoExport(Exception):
    """There is no Parquet copy of the dataset."""


def read_parquet_export(ref: DatasetRef, error: ViewerError, context: Context) -> Sample:
    """The head of the first Parquet file of the split.

    The files are listed from the export's branch and not from `/api/datasets/{id}/parquet`: that route asks the dataset viewer,
    which has just failed, and does not say which splits are partial.

    Raises:
        NoExport: the dataset has no export, or it cannot be read.
    """
    files_by_split = files(ref, context)
    choice = choose_split(list(files_by_split), ref)
    first = files_by_split[choice.config, choice.split][0]
    try:
        rows, num_rows, types = _head(ref.name, first["path"])
    except ToolError as err:
        context.warn(f"no rows from the Parquet export: {err.message}")
        raise NoExport from err
    splits = []
    for pair, group in files_by_split.items():
        size = sum(int(file.get("size") or 0) for file in group)
        if pair != (choice.config, choice.split):
            splits.append(Split(*pair, None, "unknown", size))
            continue
        # Only the rows of the opened file are known: they are a lower bound when there are more files or the export is partial.
        partial = len(group) > 1 or group[0]["partial"]
        splits.append(Split(*pair, num_rows, "at_least" if partial else "exact", size))
        complete = not partial and num_rows == len(rows)
    return Sample(
        dataset=ref.name,
        source=Source("parquet-export", f"Parquet export of the Hub ({REVISION})", why=error.message),
        config=choice.config,
        split=choice.split,
        chosen_because=choice.because,
        rows=rows,
        numbers=list(range(1, len(rows) + 1)),
        splits=splits,
        extent=Extent(len(rows), complete=complete),
        load=load_line(ref, choice),
        types=types,
    )


def files(ref: DatasetRef, context: Context) -> Files:
    """(config, split) -> its files in order, each with `path`, `size` and `partial`.

    Raises:
        NoExport: the dataset has no export.
    """
    path = f"/api/datasets/{ref.name}/tree/{REVISION.replace('/', '%2F')}"
    answer = context.http.get(HUB, path, {"recursive": "true", "limit": 1000})
    entries = answer.json() if answer.ok else []
    if 'rel="next"' in answer.headers.get("link", ""):
        context.warn("the Parquet export has more than 1,000 files: not all configs may be listed")
    files_by_split: Files = {}
    for entry in sorted(entries, key=lambda item: str(item.get("path"))):
        match = _FILE.match(str(entry.get("path", "")))
        if match:
            files_by_split.setdefault((match["config"], match["split"]), []).append({**entry, "partial": bool(match["partial"])})
    if not files_by_split:
        raise NoExport
    return files_by_split


def _head(name: str, path: str) -> tuple[list[dict[str, Any]], int, dict[str, str]]:
    """The first rows, the number of rows in the file, and the column types; only the head of the file is fetched."""
    file_system.prepare()
    import pyarrow.parquet as parquet
    from huggingface_hub import HfFileSystem

    try:
        system = HfFileSystem(endpoint=HUB.base_url, token=hf_token() or False)
        with system.open(f"datasets/{name}@{REVISION}/{path}", "rb", block_size=2**20) as stream:
            file = parquet.ParquetFile(stream, pre_buffer=False, buffer_size=2**18)
            light = [field.name for field in file.schema_arrow if "binary" not in str(field.type)]
            batch = next(file.iter_batches(SAMPLE, columns=light), None)
            rows = batch.to_pylist() if batch is not None else []
            return (
                rows,
                file.metadata.num_rows,
                {name: kind for name, kind in schema_types(file.schema_arrow).items() if name in light},
            )
    except Exception as err:  # the Hub's client raises many types of exceptions: each means that the export cannot be read
        raise Unavailable(f"{type(err).__name__}: {clean(err, limit=150)}") from err


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
    count = sum(map(len, stored.splits.values()))
    context.announce(f"full scan: reads about {human_bytes(planned)} of {count} Parquet files on the Hub")
    return Remote(stored, system, planned)


def _export(ref: DatasetRef, sample: Sample, context: Context) -> Stored:
    """The files of the Parquet export of the inspected config."""
    if ref.revision and sample.source.kind != "viewer":
        message = f"{ref.name}: the Parquet export is of the main revision, not of {clean(ref.revision, limit=60)!r}"
        raise Unavailable(
            message, hint=f"give the revision's Parquet files: hf://datasets/{ref.name}@{clean(ref.revision, limit=60)}/…"
        )
    try:
        found = files(ref, context)
    except NoExport as err:
        message = f"{ref.name} has no Parquet export, which --full reads"
        raise Unavailable(message, hint="download the files and give their path") from err
    groups = {split: group for (config, split), group in found.items() if config == sample.config}
    if sample.split not in groups:
        raise Unavailable(
            f"{ref.name}: the Parquet export has no split {sample.split!r} of {sample.config!r}",
            hint="choose another with --split or --config",
        )
    partial = [split for split, group in groups.items() if any(entry["partial"] for entry in group)]
    if partial:
        context.warn(f"the Parquet export holds only the first part of {', '.join(clean(name, limit=60) for name in partial)}")
    root = f"hf://datasets/{ref.name}@{REVISION.replace('/', '%2F')}"
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
