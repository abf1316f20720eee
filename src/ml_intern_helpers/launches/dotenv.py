"""Variables as `hf` reads them: `NAME=value`, `NAME` (taken from this machine), quotes, comments, and files of such lines."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ml_intern_helpers.launches.parts import Told
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.reading import VARIABLES, text_of_file
from ml_intern_helpers.launches.words import Word

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*(=)(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class Variables(NamedTuple):
    """Values by name, and why there may be more."""

    values: dict[str, Word]
    open: str = ""


def pairs(word: Word, place: Place) -> dict[str, Word]:
    """The variables of one `-e`: the client reads a text of several lines as several, and drops what is no variable."""
    split = word.before("=")
    if word.unknown:
        return {split[0].strip(): split[1]._replace(known=0)} if split else {}
    found: dict[str, Word] = {}
    for line in word.text.splitlines():
        found |= _line(line.strip(), place)
    return found


def _line(line: str, place: Place) -> dict[str, Word]:
    match = _LINE.fullmatch(line) if line and not line.startswith("#") else None
    if match is None:
        return {}
    name, given, value = match.groups()
    if given:
        return {name: Word(_value(value))}
    if name in place.environ:
        return {name: place.environ[name]}
    # The client drops a bare name that is not set on this machine.
    return {name: Word(f"${name}", f"the value of {name} on this machine", 0)} if name in os.environ else {}


def _value(text: str) -> str:
    quoted = re.match(r"""\s*("(?:\\"|[^"])*"|'(?:\\'|[^'])*')\s*(?:#.*)?$""", text)
    raw = quoted[1] if quoted else re.split(r"\s#", text, maxsplit=1)[0].strip()
    if len(raw) > 1 and raw[0] == raw[-1] == "'":
        return raw[1:-1]
    if len(raw) > 1 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), raw[1:-1])
    return raw


def from_file(told: Told | None, place: Place) -> Variables:
    """The names that `--env-file` sets, their values unknown; open when the file cannot be read here."""
    if told is None:
        return Variables({})
    path = place.resolved(told.value) if told.value and told.value != "-" else None
    text = text_of_file(path, VARIABLES)
    if text is None:
        return Variables({}, f"what {told.how} holds (read is only what ends in .env)")
    names = [name for line in text.splitlines() for name in _line(line.strip(), place)]
    return Variables({name: Word("…", f"the value of {name} in {told.how}", 0) for name in names})
