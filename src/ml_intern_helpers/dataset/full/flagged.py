"""Rows that the full scan found something in join the sample: verdict, mapping and filters must hold for them, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.local.columnar import light_columns
from ml_intern_helpers.dataset.local.json_lines import rows_at
from ml_intern_helpers.dataset.sample import Row, Sample, with_every_column

#: Rows for each code, and in all; a row group of Parquet is opened for each.
MOST_EACH, MOST = 2, 40
#: Found by comparing rows: one of them alone shows nothing.
_COMPARED = ("SET307", "SET313")


def with_flagged(look: Sample, counts: dict[str, dict[str, Any]]) -> Sample:
    """`look` with the first rows of each code in `counts`, in the order of the data; as it is where they cannot be had."""
    known = set(look.numbers)
    wanted = {number for code, found in counts.items() if code not in _COMPARED for number in found["row_numbers"][:MOST_EACH]}
    numbers = sorted(wanted - known)[:MOST]
    if not numbers or look.stored is None:
        return look
    paths = [Path(path) for path in look.stored.splits[look.split]]
    readers = {"jsonl": rows_at, "parquet": _of_parquet}
    reader = readers.get(look.stored.format)
    if reader is None:
        return look
    pairs = sorted([*zip(look.numbers, look.rows, strict=True), *reader(paths, numbers)], key=lambda pair: pair[0])
    rows = with_every_column([row for _, row in pairs])
    return replace(
        look,
        rows=rows,
        numbers=[number for number, _ in pairs],
        extent=replace(look.extent, rows_sampled=len(rows), order="spread over the data"),
    )


def _of_parquet(paths: list[Path], numbers: list[int]) -> Iterator[tuple[int, Row]]:
    """(number, row) of the rows `numbers`, 1-based over all files."""
    import pyarrow.parquet as parquet

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
