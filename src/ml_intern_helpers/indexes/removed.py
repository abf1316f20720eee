"""What became of a name that is not there: the comparison of releases, and hints where a comparison cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ml_intern_helpers.indexes.libraries import DATA, SUFFIX
from ml_intern_helpers.indexes.signatures import Library
from ml_intern_helpers.indexes.stored_release import Table, read_tables

FILE = DATA / f"history{SUFFIX}"


class Removal(NamedTuple):
    """One thing that a release took away and that is not there today.

    Attributes:
        name: `trl.setup_chat_format`, or `trl.SFTConfig.max_seq_length` for an argument.
        last: the last release that had it (of those compared).
        gone: the first of those that has it no more.
        replacement: what to write today, when the comparison or the older release's own text tells: it exists.
        why: how the replacement is known: `moved`, `announced` (by the library), `renamed` (same release, like name), or None.
        via: where it had moved to before it went from there, too.
        via_last: the last release that had it there.
    """

    name: str
    last: str
    gone: str
    replacement: str | None = None
    why: str | None = None
    via: str | None = None
    via_last: str | None = None


class Gone(NamedTuple):
    """What is known of a name that does not exist.

    Attributes:
        name: the name that is gone: the one asked for, a parent it was inherited from, or the class or module around it.
        removal: when, from the comparison; None for what no compared release had.
        replacement: full name of what takes its place and exists in the shipped releases, or None.
        hint: what to do instead, one clause, or None.
        renamed: the replacement takes the same value.
    """

    name: str
    removal: Removal | None
    replacement: str | None
    hint: str | None
    renamed: bool = False

    def sentence(self) -> str:
        """`removed in trl 0.20.0 (last in 0.19.1); write max_length=`."""
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
    """What is known of `dotted`, which `library` does not offer: itself, as inherited, or the class or module it belonged to."""
    for name in _names_for(library, dotted):
        found = gone(name)
        if found is not None:
            return found
    parent = dotted.rpartition(".")[0]
    return what_became(library, parent) if "." in parent and library.origin(parent) is None else None


def gone(name: str) -> Gone | None:
    """What is known of exactly this name."""
    from ml_intern_helpers.indexes.hints import HINTS

    found, hint = removal(name), HINTS.get(name)
    if found is None and hint is None:
        return None
    replacement = (hint.use if hint else None) or (found.replacement if found else None)
    return Gone(name, found, replacement or None, hint.text if hint else None, bool(hint and hint.renamed))


def removal(name: str) -> Removal | None:
    """When `name` went, when one of the compared releases had it and the shipped one has not."""
    row = _tables()[1].get(name.partition(".")[0], Table()).get(name)
    return None if row is None else Removal(name, *row)


def removals_of(package: str) -> Iterator[Removal]:
    """Everything that went from one package."""
    return (Removal(name, *row) for name, row in _tables()[1].get(package, Table()).items())


def compared(package: str) -> list[str]:
    """The releases that were compared, oldest first."""
    return _tables()[0].get(package, [])


def row_of(removal: Removal) -> list[str | None]:
    """The stored form; the name is the key."""
    row = [removal.last, removal.gone, removal.replacement, removal.why, removal.via, removal.via_last]
    while row and row[-1] is None:
        row.pop()
    return row


@cache
def _tables() -> tuple[dict[str, list[str]], dict[str, Table]]:
    head, tables = read_tables(FILE)
    return head["compared"], tables


def _names_for(library: Library, dotted: str) -> Iterator[str]:
    """`trl.SFTConfig.x` may also be `transformers.TrainingArguments.x`, which it inherits."""
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
        left = f", gone from there after {removal.via_last}" if removal.via_last else ", gone from there, too"
        return f"moved to {removal.via} in {package} {removal.gone}{left}"
    return f"moved in {package} {removal.gone} (last in {removal.last})" if removal.why == "moved" else text
