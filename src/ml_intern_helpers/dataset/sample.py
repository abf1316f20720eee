"""The sample: the rows read of one split, whichever the source, and everything known about the rest of the dataset."""

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
        num_rows: rows in it, or None when not known.
        num_rows_is: how far to trust `num_rows`.
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
        where: service and address, or path, for people.
        revision: commit of the Hub repository, or None.
        fetched_at: ISO 8601 time of the service's answer, or None.
        cached: the answer came from our own disk cache.
        why: why this source and not the usual one, or None.
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
        rows_parsed: rows read and parsed at all, None when the service parsed them.
        bytes_read, bytes_total: of local files, None elsewhere.
        complete: every row of the split is in the sample.
        order: which rows the sample holds.
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
    """Facts of the Hub's repository page; every value None when the Hub does not say."""

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
        splits: split -> its files, in reading order: paths on this machine, or `hf://` addresses as text.
        sizes: split -> bytes of its files.
        arguments: what reading them needs (`sep`, `field`).
    """

    format: str
    splits: dict[str, list[Any]]
    sizes: dict[str, int]
    arguments: dict[str, str] = field(default_factory=dict)


@dataclass
class Sample:
    """The rows read of one split.

    Attributes:
        dataset: the id or path as the user would write it again.
        config, split: the one that was read; `chosen_because` says why.
        rows: the sample; every row has every column, None where the source has nothing.
        numbers: 1-based number of each sampled row (of the line, for line files).
        types: declared type of each column, as text; empty when the source declares none.
        splits: all splits, of all configs.
        load: one line of `datasets` code that loads this split.
        findings: what was noticed while reading.
        stored: where all rows are, None when only a service knows.
        shortened: the service has cut long texts, so that lengths are too low.
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
    """`about 1,200 rows`, from a split as the report has it; None when the number is not known."""
    if split["num_rows"] is None:
        return None
    mark = {"exact": "", "at_least": "at least ", "estimated": "about "}.get(split["num_rows_is"], "")
    return f"{mark}{split['num_rows']:,} rows"


def with_every_column(rows: list[Row]) -> list[Row]:
    """Give every row every column, as `datasets` does: a key missing from a row is a null."""
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    return [{name: row.get(name) for name in columns} for row in rows]
