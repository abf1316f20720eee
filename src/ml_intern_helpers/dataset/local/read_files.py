"""Reads a sample of a dataset from files on this machine, in one pass."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.local import columnar, csv_table, json_files, text_files
from ml_intern_helpers.dataset.local.bounds import Warn
from ml_intern_helpers.dataset.local.files import Files, find_files
from ml_intern_helpers.dataset.local.table import Table, TooDeep, cut_to_bounds, total_bytes
from ml_intern_helpers.dataset.local.text_files import path_text
from ml_intern_helpers.dataset.mapping.code import names, quoted
from ml_intern_helpers.dataset.sample import Extent, Sample, Source, Split, Stored, with_every_column
from ml_intern_helpers.dataset.splits import SplitChoice, choose_split

CONFIG = "default"
READERS: dict[str, Callable[[list[Path], int], Table]] = {
    "jsonl": json_files.read_lines,
    "json": json_files.read_document,
    "csv": csv_table.read,
    "text": text_files.read_text,
    "parquet": columnar.read_parquet,
    "arrow": columnar.read_arrow,
    "saved": columnar.read_arrow,
}


def read_local(ref: DatasetRef, sample_size: int, warn: Warn) -> Sample:
    """A sample of the files that `ref` names; `warn` receives a line about everything that was left out or cut.

    Raises:
        NotFound: no such file or split.
        BadData: a damaged or unsupported file, or no rows in it.
    """
    files = find_files(ref.name, warn)
    # A single JSON document may hold its splits in fields: they are known only once it is read.
    one_document = files.format == "json" and sum(map(len, files.splits.values())) == 1
    pairs = [(CONFIG, split) for split in files.splits]
    choice = choose_split(pairs, replace(ref, split=None) if one_document else ref)
    paths = files.splits[choice.split]
    kind, table = _read(files.format, paths, sample_size, ref.split if one_document else None)
    if kind != "json":
        choice = choose_split(pairs, ref)
    load = _load(files, kind, choice.split, ref, table)
    stored: dict[str, list[Path]] = dict(files.splits)
    if table.splits:
        field = table.load_arguments["field"]
        choice = SplitChoice(CONFIG, field, "as asked" if ref.split else "a field of the file; see --split")
        splits = [Split(CONFIG, clean(name, limit=200), count, "exact") for name, count in table.splits.items()]
        stored = {field: paths}
    else:
        splits = [_split(name, table if name == choice.split else None, group) for name, group in files.splits.items()]
    cut_to_bounds(table)
    for note in table.notes:
        warn(note)
    if not table.rows:
        name = clean(ref.name, limit=200)
        if table.notes:
            raise BadData(
                f"{name}: {table.notes[-1]}", hint="the rows are too large to inspect: shorten them, or inspect smaller ones"
            )
        raise BadData(f"{name} has no rows in split {choice.split!r}", hint="there is nothing to inspect")
    complete = table.num_rows == len(table.rows)
    return Sample(
        dataset=ref.name,
        source=Source(kind, ", ".join(clean(path, limit=200) for path in paths[:3]) + (" …" if len(paths) > 3 else "")),
        config=CONFIG,
        split=choice.split,
        chosen_because=choice.because,
        rows=with_every_column(table.rows),
        numbers=table.numbers,
        splits=splits,
        extent=Extent(
            rows_sampled=len(table.rows),
            rows_parsed=table.rows_parsed,
            bytes_read=table.bytes_read,
            bytes_total=total_bytes(paths),
            complete=complete,
            order="spread over the data" if table.order_spread and not complete else "first rows",
        ),
        load=load,
        types=table.types,
        findings=table.findings,
        stored=Stored(kind, stored, {name: total_bytes(group) for name, group in stored.items()}, dict(table.load_arguments)),
    )


def _read(kind: str, paths: list[Path], sample_size: int, inside: str | None) -> tuple[str, Table]:
    """The format that the files really have, and a sample of their rows."""
    # Parsed rows hold no reference cycles, and searching millions of them for cycles takes longer than parsing.
    gc.disable()
    try:
        kind = "jsonl" if kind == "json" and json_files.is_lines(paths[0]) else kind
        return kind, json_files.read_document(paths, sample_size, inside) if kind == "json" else READERS[kind](paths, sample_size)
    except (OSError, EOFError, zlib.error) as err:
        message = f"{path_text(paths[0])} cannot be read to its end: {clean(err, limit=100)}"
        raise BadData(message, hint="the file is damaged or not readable: download it again") from err
    except TooDeep as err:
        raise BadData(f"{path_text(paths[0])}: {err}", hint="look at that row") from err
    except MemoryError as err:
        raise BadData(f"{path_text(paths[0])} needs more memory than this machine has", hint="inspect a part of it") from err
    finally:
        gc.enable()


def _split(name: str, table: Table | None, paths: list[Path]) -> Split:
    size = total_bytes(paths)
    if table is None:
        return Split(CONFIG, name, None, "unknown", size)
    if table.num_rows is not None:
        return Split(CONFIG, name, table.num_rows, "exact", size)
    if any(path.suffix == ".gz" for path in paths):  # bytes read are uncompressed, `size` is not: no estimate
        return Split(CONFIG, name, table.rows_parsed, "at_least", size)
    return Split(CONFIG, name, int(table.rows_parsed * size / max(table.bytes_read, 1)), "estimated", size)


def _load(files: Files, kind: str, split: str, ref: DatasetRef, table: Table) -> str:
    """The line of code that loads this split with `datasets`."""
    if files.format == "saved":
        return f"dataset = load_from_disk({quoted(ref.name)})" + (f"[{quoted(split)}]" if len(files.splits) > 1 else "")
    paths = [str(path) for path in files.splits[split]]
    builder = "json" if kind == "jsonl" else kind
    where = quoted(paths[0]) if len(paths) == 1 else (quoted(ref.name) if "*" in ref.name else names(paths))
    more = "".join(f", {name}={quoted(value)}" for name, value in table.load_arguments.items())
    return f'dataset = load_dataset({quoted(builder)}, data_files={where}{more}, split="train")'
