"""The lines of a file, each bounded in length and all of them together in bytes and time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, MIB, Allowance
from ml_intern_helpers.dataset.local.opening import open_bytes, shown


def lines(path: Path, allowance: Allowance) -> Iterator[tuple[int, bytes]]:
    """(number, line) with its line end, up to the end of the file or of the allowance.

    Raises:
        BadData: a line longer than `LONGEST_LINE_BYTES`, or a file that breaks off.
    """
    if allowance.used and allowance.over():
        allowance.cut = True
        return
    with open_bytes(path) as stream:
        number = 0
        while line := _line(path, stream, number + 1):
            number += 1
            yield number, line
            allowance.spend(len(line))
            if allowance.over():
                allowance.cut = bool(stream.read(1))
                return


def _line(path: Path, stream: BinaryIO, number: int) -> bytes:
    try:
        line = stream.readline(LONGEST_LINE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as err:
        raise BadData(f"{shown(path)} breaks off after line {number - 1}: {err}", hint="get the file again") from err
    if len(line) > LONGEST_LINE_BYTES:
        told = f"{shown(path)} line {number} is longer than {LONGEST_LINE_BYTES // MIB} MiB"
        raise BadData(told, hint="one row per line? A JSON array belongs into a .json file")
    return line
