"""Opens local files as bytes or lines of text, and refuses content that does not match the file's ending in one line."""

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
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
UTF8_MARK = b"\xef\xbb\xbf"


def open_bytes(path: Path) -> BinaryIO:
    """Open `path`, through gzip when its name ends in .gz, positioned after a UTF-8 byte order mark.

    Raises:
        BadData: the file is not readable, empty, UTF-16, UTF-32 or binary.
    """
    try:
        head = _head(path)
    except PermissionError as err:
        raise BadData(f"{path_text(path)} may not be read by this user", hint="check its permissions") from err
    except (OSError, EOFError, zlib.error) as err:
        raise BadData(
            f"{path_text(path)} cannot be read: {clean(err, limit=100)}", hint="the file is damaged: download it again"
        ) from err
    if not head.strip():
        raise BadData(f"{path_text(path)} is empty", hint="there is nothing to inspect: was the download or export cut off?")
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            command = f"iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
            raise BadData(f"{path_text(path)} is {name}; `datasets` reads UTF-8 only", hint=f"convert it: {command}")
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
    """At most 80 cleaned characters around `position`; access tokens are replaced with asterisks."""
    start = max(position - 40, 0)
    # Redact before cutting: a part of a token is still a secret, and would not be recognised.
    redacted = _SECRET.sub(lambda match: "*" * len(match[0]), text[: start + 4096])
    return clean(redacted[start : start + 80])


def path_text(path: Path) -> str:
    return clean(path, limit=200)


def lines(path: Path, allowance: Allowance) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line), line end included, until the file ends or the allowance is used up.

    Raises:
        BadData: a line longer than `LONGEST_LINE_BYTES`, or a file that is cut off.
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
        raise BadData(f"{path_text(path)} is cut off after line {number - 1}: {err}", hint="download the file again") from err
    if len(line) > LONGEST_LINE_BYTES:
        message = f"{path_text(path)} line {number} is longer than {LONGEST_LINE_BYTES // MIB} MiB"
        raise BadData(message, hint="write one row per line, or name the file .json if it is a JSON array")
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
