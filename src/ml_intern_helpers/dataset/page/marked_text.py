"""Text in pieces, with what a finding is about marked; keys and data of persons are blanked, for a page is passed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from re import Match
from typing import NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks import registry, secrets, set320_personal_data
from ml_intern_helpers.dataset.checks.pattern import Pattern

#: Looked at beyond what is shown, so that a key that is cut in half by the end is still seen whole.
BEYOND = 4000


class Piece(NamedTuple):
    """A stretch of text, and what it was marked for (empty when it was not)."""

    text: str
    mark: str = ""


class _Hit(NamedTuple):
    start: int
    end: int
    shown: str
    mark: str


#: Always blanked, whatever the report says: (patterns, what is shown instead).
_BLANKED: tuple[tuple[tuple[Pattern, ...], Callable[[str], str]], ...] = (
    (secrets.SECRETS, secrets.blanked),
    (set320_personal_data.PERSONAL, set320_personal_data.blanked),
)


def _marked(code: str) -> tuple[Pattern, ...]:
    """The patterns that are marked where the report has the finding `code`; private ones are always blanked."""
    search = registry.property_of(code, "SEARCH")
    return search.patterns if search and not search.private else ()


def pieces(text: str, limit: int, codes: Iterable[str] = ()) -> list[Piece]:
    """`text`, cleaned and cut at `limit`, in pieces; the marks are those of the findings `codes`, and what is blanked."""
    held = clean(text[: limit + BEYOND], keep_newlines=True)
    found: list[Piece] = []
    at = 0
    for hit in _first_come(_hits(held, codes)):
        if hit.start >= limit:
            break
        found += [Piece(held[at : hit.start]), Piece(hit.shown, hit.mark)]
        at = hit.end
    hidden = len(held) - max(at, limit) + max(len(text) - limit - BEYOND, 0)
    found += [Piece(held[at:limit]), Piece(f"…[{hidden:,} more characters]" if hidden > 0 else "")]
    return [piece for piece in found if piece.text]


def plain(text: str, limit: int) -> str:
    """`text` on one line, blanked and cut."""
    return clean("".join(piece.text for piece in pieces(text, limit)))


def _hits(text: str, codes: Iterable[str]) -> list[_Hit]:
    found = [
        _Hit(match.start(), match.end(), blanked(match[0]), f"{pattern.name}, blanked here")
        for patterns, blanked in _BLANKED
        for pattern in patterns
        for match in _matches(pattern, text)
    ]
    for code in codes:
        for pattern in _marked(code):
            found += [_Hit(match.start(), match.end(), match[0], pattern.name) for match in _matches(pattern, text)]
    return found


def _matches(pattern: Pattern, text: str) -> Iterable[Match[str]]:
    return pattern.matches(text) if pattern.may_be_in(text.lower() if pattern.any_case else text) else ()


def _first_come(found: list[_Hit]) -> list[_Hit]:
    """In the order of the text, without those that overlap one before; of two at one place, what is blanked wins."""
    kept: list[_Hit] = []
    for hit in sorted(found, key=lambda item: (item.start, not item.mark.endswith("blanked here"), -item.end)):
        if hit.end > hit.start and (not kept or hit.start >= kept[-1].end):
            kept.append(hit)
    return kept
