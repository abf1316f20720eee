"""Finds what replaced a name that no longer exists, from the comparison of releases or from a curated hint.

`hints.json` covers names whose replacement the comparison cannot tell; the tests check each hint against the indexes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.indexes.libraries import DATA, SUFFIX
from ml_intern_helpers.indexes.signatures import Library
from ml_intern_helpers.indexes.stored_release import Table, read_tables

FILE = DATA / f"history{SUFFIX}"


class Removal(NamedTuple):
    """A name that a release removed and that does not exist today.

    Attributes:
        name: the removed name (`trl.setup_chat_format`, or `trl.SFTConfig.max_seq_length` for an argument).
        last: the last compared release that had it.
        gone: the first compared release without it.
        replacement: an existing name to use instead, if the comparison or an older release's own text tells one.
        why: how the replacement is known: `moved`, `announced` (by the library), `renamed` (same release, similar name), or None.
        via: the place to which it first moved, before it was removed there, too.
        via_last: the last release that had it in that place.
    """

    name: str
    last: str
    gone: str
    replacement: str | None = None
    why: str | None = None
    via: str | None = None
    via_last: str | None = None


class Gone(NamedTuple):
    """What is known about a name that does not exist.

    Attributes:
        name: the name that is gone: the queried one, its inherited form, or the class or module that contained it.
        removal: its removal according to the comparison; None when no compared release had it.
        replacement: the full name of the replacement in the shipped releases, or None.
        hint: what to do instead, in one clause, or None.
        renamed: the replacement takes the same value.
    """

    name: str
    removal: Removal | None
    replacement: str | None
    hint: str | None
    renamed: bool = False

    def sentence(self) -> str:
        """The text for reports: `removed in trl 0.20.0 (last in 0.19.1); instead: write max_length=`."""
        parts = [_when(self.name, self.removal)] if self.removal else []
        if self.hint:
            parts.append(f"instead: {self.hint}")
        elif self.replacement:
            likely = "likely now" if self.removal and self.removal.why == "renamed" else "now"
            parts.append(f"{likely} {self.replacement}")
        elif self.removal:
            parts.append("no replacement known")
        return "; ".join(parts)


def what_became(library: Library, dotted: str) -> Gone | None:
    """What is known about `dotted`, which `library` does not offer, or about its inherited form, its class or its module."""
    for name in _names_for(library, dotted):
        answer = gone(name)
        if answer is not None:
            return answer
    parent = dotted.rpartition(".")[0]
    return what_became(library, parent) if "." in parent and library.origin(parent) is None else None


def gone(name: str) -> Gone | None:
    """What is known about exactly this name."""
    known_removal, hint = removal(name), HINTS.get(name)
    if known_removal is None and hint is None:
        return None
    replacement = (hint.use if hint else None) or (known_removal.replacement if known_removal else None)
    return Gone(name, known_removal, replacement or None, hint.text if hint else None, bool(hint and hint.renamed))


def removal(name: str) -> Removal | None:
    """The removal of `name`; None unless one of the compared releases had it and the shipped one does not."""
    row = _tables()[1].get(name.partition(".")[0], Table()).get(name)
    return None if row is None else Removal(name, *row)


def removals_of(package: str) -> Iterator[Removal]:
    """Every removal from one package."""
    return (Removal(name, *row) for name, row in _tables()[1].get(package, Table()).items())


def compared(package: str) -> list[str]:
    """The releases that were compared, oldest first."""
    return _tables()[0].get(package, [])


def row_of(removal: Removal) -> list[str | None]:
    """The stored form of a removal, whose key is the name."""
    row = [removal.last, removal.gone, removal.replacement, removal.why, removal.via, removal.via_last]
    while row and row[-1] is None:
        row.pop()
    return row


@cache
def _tables() -> tuple[dict[str, list[str]], dict[str, Table]]:
    head, tables = read_tables(FILE)
    return head["compared"], tables


def _names_for(library: Library, dotted: str) -> Iterator[str]:
    """The names under which `dotted` may be recorded: `trl.SFTConfig.x` also as `transformers.TrainingArguments.x`."""
    yield dotted
    head, _, last = dotted.rpartition(".")
    origin = library.origin(head) if head else None
    if origin is not None and ":" in origin:
        yield from (f"{library.public_name(owner)}.{last}" for owner, _ in library.line(origin))
    elif origin is None and head.count(".") >= 1:  # a method's argument
        klass, _, method = head.rpartition(".")
        start = library.origin(klass)
        if method == "from_pretrained" and klass.startswith("transformers."):
            yield f"transformers.PreTrainedModel.from_pretrained.{last}"
        if start is not None and ":" in start:
            yield from (f"{library.public_name(owner)}.{method}.{last}" for owner, _ in library.line(start))


def _when(name: str, removal: Removal) -> str:
    package = name.partition(".")[0]
    text = f"removed in {package} {removal.gone} (last in {removal.last})"
    if removal.via:
        removed_there = f", gone from there after {removal.via_last}" if removal.via_last else ", gone from there, too"
        return f"moved to {removal.via} in {package} {removal.gone}{removed_there}"
    return f"moved in {package} {removal.gone} (last in {removal.last})" if removal.why == "moved" else text


class Hint(NamedTuple):
    """What to write instead of a removed name.

    Attributes:
        text: what to do, in one clause.
        use: the full name of the replacement; "" when there is no single one.
        renamed: the value stays the same; only then may a fix be applied without asking.
    """

    text: str
    use: str = ""
    renamed: bool = False


def _read_hints() -> dict[str, Hint]:
    text = Path(__file__).with_name("hints.json").read_text(encoding="utf-8")
    return {name: Hint(*row) for name, row in json.loads(text)["hints"].items()}


#: Removed name -> its hint.
HINTS = _read_hints()
