"""Opens a file as bytes or text, and says in one line when it is of another kind than its name promises."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, MIB, Allowance
from ml_intern_helpers.dataset.local.table import Sampler, Table

_SECRET = re.compile(r"\b(?:hf_|sk-|gh[pousr]_|github_pat_|xox[abp]-|AKIA|AIza)[A-Za-z0-9_\-]{8,}")
_MARKS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
UTF8_MARK = b"\xef\xbb\xbf"


def open_bytes(path: Path) -> BinaryIO:
    """Open `path`, through gzip when its name ends in .gz, placed after a UTF-8 mark.

    Raises:
        BadData: not readable, empty, UTF-16 or binary.
    """
    try:
        head = _head(path)
    except PermissionError as err:
        raise BadData(f"{path_text(path)} may not be read by this user", hint="check its permissions") from err
    except (OSError, EOFError, zlib.error) as err:
        raise BadData(
            f"{path_text(path)} cannot be read: {clean(err, limit=100)}", hint="the file is damaged: get it again"
        ) from err
    if not head.strip():
        raise BadData(f"{path_text(path)} is empty", hint="there is nothing to inspect: was the download or export cut off?")
    for mark, name in _MARKS:
        if head.startswith(mark):
            message = f"iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
            raise BadData(f"{path_text(path)} is {name}; `datasets` reads UTF-8 only", hint=f"convert it: {message}")
    if b"\0" in head:
        raise BadData(f"{path_text(path)} is a binary file", hint="give a JSONL, JSON, CSV, text, Parquet or Arrow file")
    stream = _open(path)
    stream.seek(len(UTF8_MARK) if head.startswith(UTF8_MARK) else 0)
    return stream


def _head(path: Path) -> bytes:
    with _open(path) as stream:
        return stream.read(4096)


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def decode(path: Path, line: bytes, number: int) -> str:
    """`line` as text; `BadData` names the line when it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as err:
        message = f"{path_text(path)} line {number} is not UTF-8: byte 0x{line[err.start]:02x} at position {err.start + 1}"
        raise BadData(message, hint="convert the file to UTF-8 (`iconv`), or repair that line") from err


def excerpt(text: str, position: int = 0) -> str:
    """At most 80 cleaned characters around `position`, with what looks like a token blotted out."""
    start = max(position - 40, 0)
    # Blank secrets before cutting: half a token is still a secret.
    blotted = _SECRET.sub(lambda match: "*" * len(match[0]), text[: start + 4096])
    return clean(blotted[start : start + 80])


def path_text(path: Path) -> str:
    return clean(path, limit=200)


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
        raise BadData(f"{path_text(path)} breaks off after line {number - 1}: {err}", hint="get the file again") from err
    if len(line) > LONGEST_LINE_BYTES:
        message = f"{path_text(path)} line {number} is longer than {LONGEST_LINE_BYTES // MIB} MiB"
        raise BadData(message, hint="one row per line? A JSON array belongs into a .json file")
    return line


def read_text(paths: list[Path], sample_size: int) -> Table:
    """The lines of `paths` as rows, up to `MOST_BYTES` and `MOST_SECONDS`.

    Raises:
        BadData: a line that is not UTF-8 or longer than `LONGEST_LINE_BYTES`.
    """
    sampler, allowance = Sampler(sample_size), Allowance()
    for path in paths:
        for number, line in lines(path, allowance):
            text = decode(path, line, number).rstrip("\r\n")
            sampler.add(sampler.seen + 1, lambda text=text: {"text": text})  # type: ignore[misc]
    return sampler.table(allowance)
