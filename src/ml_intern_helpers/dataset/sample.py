"""Defines the sample: the rows read from one split, from any source, and what is known about the rest of the dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml_intern_helpers.core.report import Finding

Row = dict[str, Any]
Counted = Literal["exact", "at_least", "estimated", "unknown"]
Order = Literal["first rows", "spread over the data"]


@dataclass(frozen=True)
class Split:
    """One split of one config.

    Attributes:
        config: the Hub's config (subset) name; "default" for local files.
        split: its name.
        num_rows: number of its rows, or None if unknown.
        num_rows_is: how exact `num_rows` is.
        num_bytes: bytes of its files (Parquet on the Hub), or None.
    """

    config: str
    split: str
    num_rows: int | None = None
    num_rows_is: Counted = "unknown"
    num_bytes: int | None = None


@dataclass(frozen=True)
class Source:
    """Where the rows came from.

    Attributes:
        kind: `viewer`, `parquet-export`, `streaming` (Hub) or `jsonl`, `json`, `csv`, `text`, `parquet`, `arrow` (local).
        where: service and address, or path, as reports show it.
        revision: commit of the Hub repository, or None.
        fetched_at: ISO 8601 time of the service's answer, or None.
        cached: whether the answer came from the disk cache.
        why: why this source was used instead of the usual one, or None.
    """

    kind: str
    where: str
    revision: str | None = None
    fetched_at: str | None = None
    cached: bool = False
    why: str | None = None


@dataclass(frozen=True)
class Extent:
    """How much was read.

    Attributes:
        rows_sampled: rows whose structure was verified.
        rows_parsed: rows that were read and parsed, None if the service parsed them.
        bytes_read, bytes_total: bytes of local files, None for other sources.
        complete: whether every row of the split is in the sample.
        order: which rows the sample contains.
        rows_dropped_cut: sampled rows left out because the service cut a nested cell short.
    """

    rows_sampled: int
    rows_parsed: int | None = None
    bytes_read: int | None = None
    bytes_total: int | None = None
    complete: bool = False
    order: Order = "first rows"
    rows_dropped_cut: int = 0


@dataclass(frozen=True)
class Card:
    """Facts of the dataset's page on the Hub; values that the Hub does not give are None."""

    license: str | None = None
    gated: str | bool | None = None
    private: bool | None = None
    downloads_30_days: int | None = None
    likes: int | None = None
    last_modified: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """Where all rows are, for a full scan.

    Attributes:
        format: `jsonl`, `json`, `csv`, `text`, `parquet`, `arrow` or `saved` (a `save_to_disk` folder).
        splits: split -> its files in reading order, as local paths or `hf://` addresses.
        sizes: split -> bytes of its files.
        arguments: arguments for reading them (`sep`, `field`).
    """

    format: str
    splits: dict[str, list[Any]]
    sizes: dict[str, int]
    arguments: dict[str, str] = field(default_factory=dict)


@dataclass
class Sample:
    """The rows read of one split.

    Attributes:
        dataset: the id or path as the user wrote it.
        config, split: those that were read; `chosen_because` says why.
        rows: the sampled rows; every row has every column, with None for missing values.
        numbers: 1-based number of each sampled row (for line-based files, of its line).
        types: declared type of each column, as text; empty when the source declares none.
        splits: all splits, of all configs.
        load: one line of `datasets` code that loads this split.
        findings: problems found while reading.
        stored: the files with all rows, None if only a service knows them.
        shortened: whether the service has cut long texts, so that lengths are too low.
    """

    dataset: str
    source: Source
    config: str
    split: str
    chosen_because: str
    rows: list[Row]
    numbers: list[int]
    splits: list[Split]
    extent: Extent
    load: str
    types: dict[str, str] = field(default_factory=dict)
    card: Card | None = None
    findings: list[Finding] = field(default_factory=list)
    stored: Stored | None = None
    shortened: bool = False

    @property
    def columns(self) -> list[str]:
        return list(self.types) or (list(self.rows[0]) if self.rows else [])

    def looked_at(self) -> dict[str, Any]:
        return {"config": self.config, "split": self.split, "because": self.chosen_because, **asdict(self.extent)}


def rows_in_words(split: dict[str, Any]) -> str | None:
    """The size of a split of the report, such as `about 1,200 rows`; None if it is unknown."""
    if split["num_rows"] is None:
        return None
    mark = {"exact": "", "at_least": "at least ", "estimated": "about "}.get(split["num_rows_is"], "")
    return f"{mark}{split['num_rows']:,} rows"


def with_every_column(rows: list[Row]) -> list[Row]:
    """Give every row all columns, as `datasets` does: missing keys become nulls."""
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    return [{name: row.get(name) for name in columns} for row in rows]
