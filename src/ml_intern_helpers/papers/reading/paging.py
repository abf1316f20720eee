"""A long text in pages of bounded size that end where a paragraph, a line or a word ends."""

from __future__ import annotations

#: Characters of a page unless the caller says otherwise, and what they may say.
CHARACTERS, FEWEST, MOST = 6000, 500, 40_000


def page(text: str, start: int, most: int) -> tuple[str, int | None]:
    """At most `most` characters of `text` from `start`, and where the next page starts; None on the last."""
    rest = text[start:]
    if len(rest) <= most:
        return rest, None
    for mark in ("\n\n", "\n", ". ", " "):
        cut = rest.rfind(mark, most // 2, most)
        if cut > 0:
            cut += len(mark.rstrip("\n ")) if mark == ". " else 0
            return rest[:cut].rstrip(), start + cut + _blanks(rest, cut)
    return rest[:most], start + most


def _blanks(text: str, position: int) -> int:
    """Spaces and line breaks at `position`; an indented line keeps its indent."""
    count = 0
    while text[position + count : position + count + 1] in ("\n", " "):
        count += 1
    return count
