"""Plain text: `datasets` makes one row of each line, in the column `text`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.local.bounds import Allowance
from ml_intern_helpers.dataset.local.lines import lines
from ml_intern_helpers.dataset.local.opening import decode
from ml_intern_helpers.dataset.local.sampling import Sampler
from ml_intern_helpers.dataset.local.table import Table


def read(paths: list[Path], sample: int) -> Table:
    """The lines of `paths` as rows, up to `MOST_BYTES` and `MOST_SECONDS`.

    Raises:
        BadData: a line that is not UTF-8 or longer than `LONGEST_LINE_BYTES`.
    """
    sampler, allowance = Sampler(sample), Allowance()
    for path in paths:
        for number, line in lines(path, allowance):
            sampler.add(sampler.seen + 1, partial(_row, decode(path, line, number)))
    rows, numbers = sampler.result()
    total = None if allowance.cut else sampler.seen
    notes = [*allowance.notes(sampler.seen), *sampler.notes()]
    return Table(rows, numbers, sampler.seen, total, allowance.used, order_spread=True, notes=notes)


def _row(line: str) -> dict[str, Any]:
    return {"text": line.rstrip("\r\n")}
