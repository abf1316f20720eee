"""Defines the bounds for reading files, which may be hostile. Readers warn when a bound cut something off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Bytes read of a split's files with `--full`: all rows are counted elsewhere, and the sample serves only for the verdicts.
BESIDE_FULL_BYTES = 64 * 1024 * 1024
_beside_full: ContextVar[bool] = ContextVar("beside_full", default=False)

Warn = Callable[[str], None]

MIB = 1024 * 1024
#: The longest row of a line file, in uncompressed bytes. A hostile row takes about 25 times as much memory once parsed.
LONGEST_LINE_BYTES = 8 * MIB
#: The largest JSON document, in uncompressed bytes. It is parsed as a whole, which takes up to 1 GiB for a hostile one.
LARGEST_DOCUMENT_BYTES = 32 * MIB
#: All files of a split together, in uncompressed bytes.
MOST_BYTES = 512 * MIB
#: Time for parsing the files of a split, in seconds.
MOST_SECONDS = 15.0
#: Memory of all sampled rows together, in bytes; also the limit for a single row.
SAMPLE_BYTES = 64 * MIB
#: The most columns that are read, and the most cells of the sample (rows times columns).
MOST_COLUMNS = 1_000
MOST_CELLS = 2_000_000
#: How deep objects and lists may be nested.
DEEPEST_LEVELS = 64
#: Limits of the search for files: names seen, and seconds.
MOST_ENTRIES = 100_000
WALK_SECONDS = 5.0
#: Bytes that one step of reading Parquet may decompress, and the highest compression ratio of a large column.
BATCH_BYTES = 64 * MIB
MOST_PACKED_TIMES = 100


@contextmanager
def beside_full(full: bool) -> Iterator[None]:
    """With `full`, read fewer bytes for the sample, because a scan of all rows follows."""
    token = _beside_full.set(full)
    try:
        yield
    finally:
        _beside_full.reset(token)


class Allowance:
    """The bytes and seconds that reading the files of one split may take.

    Attributes:
        used: bytes read so far.
        cut: whether the files hold more than was read.
    """

    def __init__(self) -> None:
        self.used = 0
        self.cut = False
        self._beside_full = _beside_full.get()
        self._most = BESIDE_FULL_BYTES if self._beside_full else MOST_BYTES
        self._until = time.monotonic() + MOST_SECONDS

    def spend(self, num_bytes: int) -> None:
        """Note that `num_bytes` were read."""
        self.used += num_bytes

    def over(self) -> bool:
        """Whether the bytes or the seconds are used up."""
        return self.used >= self._most or time.monotonic() > self._until

    def notes(self, rows: int) -> list[str]:
        """The warning that reading stopped after `rows` rows, if it did."""
        if not self.cut or self._beside_full:
            return []
        bound = f"{MOST_BYTES // MIB} MiB" if self.used >= MOST_BYTES else f"{MOST_SECONDS:g} s"
        return [f"only the first {rows:,} rows were read: reading stops after {bound}"]
