"""Bounds for reading files that may be hostile, all in one place. A warning says what a bound has cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Of the files of a split when all rows are counted elsewhere (`--full`), and the sample serves for the verdicts alone.
BESIDE_FULL_BYTES = 64 * 1024 * 1024
_beside_full: ContextVar[bool] = ContextVar("beside_full", default=False)

Warn = Callable[[str], None]

MIB = 1024 * 1024
#: One row of a line file, in bytes as unpacked. Parsed, a hostile one takes some 25 times as much memory.
LONGEST_LINE_BYTES = 8 * MIB
#: One JSON document, in bytes as unpacked. It is held whole: up to 1 GiB of memory for a hostile one.
LARGEST_DOCUMENT_BYTES = 32 * MIB
#: All files of a split together, in bytes as unpacked.
MOST_BYTES = 512 * MIB
#: Parsing the files of a split, in seconds.
MOST_SECONDS = 15.0
#: The sampled rows together, and what one may take, in bytes of memory.
SAMPLE_BYTES = 64 * MIB
#: Columns that are read, and cells of the sample (rows times columns).
MOST_COLUMNS = 1_000
MOST_CELLS = 2_000_000
#: Objects and lists inside one another.
DEEPEST_LEVELS = 64
#: Looking for files: names seen, and seconds.
MOST_ENTRIES = 100_000
WALK_SECONDS = 5.0
#: What one step of reading Parquet may unpack, in bytes, and how often over its stored size a large column may be packed.
BATCH_BYTES = 64 * MIB
MOST_PACKED_TIMES = 100


@contextmanager
def beside_full(full: bool) -> Iterator[None]:
    """Read less for the sample: a scan of all rows follows."""
    token = _beside_full.set(full)
    try:
        yield
    finally:
        _beside_full.reset(token)


class Allowance:
    """Bytes and seconds for the files of one split.

    Attributes:
        used: bytes spent.
        cut: there is more in the files than was read.
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
        return self.used >= self._most or time.monotonic() > self._until

    def notes(self, rows: int) -> list[str]:
        if not self.cut or self._beside_full:
            return []
        bound = f"{MOST_BYTES // MIB} MiB" if self.used >= MOST_BYTES else f"{MOST_SECONDS:g} s"
        return [f"only the first {rows:,} rows were read: reading stops after {bound}"]
