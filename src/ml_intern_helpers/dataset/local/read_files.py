"""A look at files on this machine."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.local import columnar, csv_table, json_document, json_lines, text_files
from ml_intern_helpers.dataset.local.bounds import Warn
from ml_intern_helpers.dataset.local.files import Files, find_files
from ml_intern_helpers.dataset.local.table import Table, TooDeep, narrow
from ml_intern_helpers.dataset.local.text_files import shown
from ml_intern_helpers.dataset.mapping.code import names, quoted
from ml_intern_helpers.dataset.sample import Extent, Sample, Source, Split, Stored, with_every_column
from ml_intern_helpers.dataset.splits import SplitChoice, choose_split

CONFIG = "default"
READERS: dict[str, Callable[[list[Path], int], Table]] = {
    "jsonl": json_lines.read,
    "json": json_document.read,
    "csv": csv_table.read,
    "text": text_files.read,
    "parquet": columnar.read_parquet,
    "arrow": columnar.read_arrow,
    "saved": columnar.read_arrow,
}


def read_local(ref: DatasetRef, sample_size: int, warn: Warn) -> Sample:
    """Read the files that `ref` names; `warn` hears what was left out or cut.

    Raises:
        NotFound: no such file or split.
        BadData: a file that is not what it should be, or no rows in it.
    """
    files = find_files(ref.name, warn)
    inside = _one_document(files)
    chosen = choose_split([(CONFIG, split) for split in files.splits], replace(ref, split=None) if inside else ref)
    paths = files.splits[chosen.split]
    kind, table = _read(files.format, paths, sample_size, ref.split if inside else None)
    if kind != "json":
        chosen = choose_split([(CONFIG, split) for split in files.splits], ref)
    load = _load(files, kind, chosen.split, ref, table)
    if table.splits:
        chosen = SplitChoice(
            CONFIG, table.load_arguments["field"], "as asked" if ref.split else "a field of the file; see --split"
        )
    narrow(table)
    for note in table.notes:
        warn(note)
    if not table.rows and table.notes:
        raise BadData(f"{clean(ref.name, limit=200)}: {table.notes[-1]}", hint="the rows are too large to be looked at")
    if not table.rows:
        raise BadData(f"{clean(ref.name, limit=200)} has no rows in split {chosen.split!r}", hint="there is nothing to inspect")
    return Sample(
        dataset=ref.name,
        source=Source(kind, ", ".join(clean(path, limit=200) for path in paths[:3]) + (" …" if len(paths) > 3 else "")),
        config=CONFIG,
        split=chosen.split,
        chosen_because=chosen.because,
        rows=with_every_column(table.rows),
        numbers=table.numbers,
        splits=[Split(CONFIG, clean(name, limit=200), count, "exact") for name, count in table.splits.items()]
        or [_split(name, table if name == chosen.split else None, group) for name, group in files.splits.items()],
        extent=_extent(table, paths),
        load=load,
        types=table.types,
        findings=table.findings,
        stored=_stored(files, kind, table),
    )


def _stored(files: Files, kind: str, table: Table) -> Stored:
    """All files; where one document holds all splits, the one that was looked at."""
    splits: dict[str, list[Path]] = dict(files.splits)
    if table.splits:
        splits = {table.load_arguments["field"]: next(iter(files.splits.values()))}
    sizes = {name: sum(path.stat().st_size for path in paths) for name, paths in splits.items()}
    return Stored(kind, splits, sizes, dict(table.load_arguments))


def _one_document(files: Files) -> bool:
    """One JSON document may hold its splits in fields; which, only reading it tells."""
    paths = [path for group in files.splits.values() for path in group]
    return files.format == "json" and len(paths) == 1


def _read(kind: str, paths: list[Path], sample_size: int, inside: str | None) -> tuple[str, Table]:
    """What the files really hold, and a sample of it."""
    # Parsed rows hold no cycles; searching millions of them for some takes longer than parsing.
    gc.disable()
    try:
        kind = "jsonl" if kind == "json" and json_document.is_lines(paths[0]) else kind
        return kind, json_document.read(paths, sample_size, inside) if kind == "json" else READERS[kind](paths, sample_size)
    except (OSError, EOFError, zlib.error) as err:
        told = f"{shown(paths[0])} cannot be read to its end: {clean(err, limit=100)}"
        raise BadData(told, hint="the file is damaged or not readable: get it again") from err
    except TooDeep as err:
        raise BadData(f"{shown(paths[0])}: {err}", hint="look at that row") from err
    except MemoryError as err:
        raise BadData(f"{shown(paths[0])} takes more memory to read than there is", hint="inspect a part of it") from err
    finally:
        gc.enable()


def _split(name: str, table: Table | None, paths: list[Path]) -> Split:
    size = sum(path.stat().st_size for path in paths)
    if table is None:
        return Split(CONFIG, name, None, "unknown", size)
    if table.num_rows is not None:
        return Split(CONFIG, name, table.num_rows, "exact", size)
    if any(path.suffix == ".gz" for path in paths):  # the share that was read is one of unpacked bytes
        return Split(CONFIG, name, table.rows_parsed, "at_least", size)
    return Split(CONFIG, name, int(table.rows_parsed * size / max(table.bytes_read, 1)), "estimated", size)


def _extent(table: Table, paths: list[Path]) -> Extent:
    return Extent(
        rows_sampled=len(table.rows),
        rows_parsed=table.rows_parsed,
        bytes_read=table.bytes_read,
        bytes_total=sum(path.stat().st_size for path in paths),
        complete=table.num_rows == len(table.rows),
        order="spread over the data" if table.order_spread and table.num_rows != len(table.rows) else "first rows",
    )


def _load(files: Files, kind: str, split: str, ref: DatasetRef, table: Table) -> str:
    """The line that loads this split with `datasets`."""
    if files.format == "saved":
        return f"dataset = load_from_disk({quoted(ref.name)})" + (f"[{quoted(split)}]" if len(files.splits) > 1 else "")
    paths = [str(path) for path in files.splits[split]]
    builder = "json" if kind == "jsonl" else kind
    where = quoted(paths[0]) if len(paths) == 1 else (quoted(ref.name) if "*" in ref.name else names(paths))
    more = "".join(f", {name}={quoted(value)}" for name, value in table.load_arguments.items())
    return f'dataset = load_dataset({quoted(builder)}, data_files={where}{more}, split="train")'
