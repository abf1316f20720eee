"""Plain text: `datasets` makes one row of each line, in the column `text`."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.dataset.local.opening import decode, open_bytes
from ml_intern_helpers.dataset.local.sampling import Sampler
from ml_intern_helpers.dataset.local.table import Table


def read(paths: list[Path], sample: int) -> Table:
    """The lines of `paths` as rows."""
    sampler = Sampler(sample)
    used = 0
    for path in paths:
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, 1):
                used += len(line)
                sampler.add(sampler.seen + 1, {"text": decode(path, line, number).rstrip("\r\n")}, len(line))
    rows, numbers = sampler.result()
    return Table(rows, numbers, sampler.seen, sampler.seen, used, order_spread=True)
