"""How a thing to look for in texts is written down, so that `re`, RE2 and DuckDB find the same.

Expressions keep to what RE2 knows (no look-around, no back-references); `\\b`, `\\w`, `\\d` and `\\s` are ASCII, as in RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Pattern:
    """One kind of thing.

    Attributes:
        name: what it is, for people (`a GitHub token`).
        regex: finds candidates; starts with `(?i)` where case does not matter.
        needles: every match holds one of these, in lower case where case does not matter: a cheap first test; () for none.
        gate: an expression for words of a text, in small letters, one of which every match holds; None: the needles' words.
        unless: an expression that excuses the whole text when it matches, or None.
        confirm: the last word on a match, where an expression cannot say it (check digits, placeholders); or None.
    """

    name: str
    regex: str
    needles: tuple[str, ...]
    gate: str | None = None
    unless: str | None = None
    confirm: Callable[[str], bool] | None = None

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex, re.ASCII)

    @cached_property
    def excuse(self) -> re.Pattern[str] | None:
        return re.compile(self.unless, re.ASCII) if self.unless else None

    @property
    def any_case(self) -> bool:
        return self.regex.startswith("(?i)")

    def may_be_among(self, words: str) -> bool:
        """Whether the pattern can be in texts made of `words`: casefolded, one a line, a line break in front."""
        if self.gate:
            return re.search(self.gate, words, re.ASCII) is not None
        return not self.needles or any(max(needle.split(), key=len).casefold() in words for needle in self.needles)

    def may_be_in(self, text: str) -> bool:
        """Whether one of the needles is in `text`, which is in lower case where case does not matter."""
        return not self.needles or any(needle in text for needle in self.needles)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every confirmed match in `text`; none when the text is excused."""
        if self.excuse and self.excuse.search(text):
            return
        for match in self.compiled.finditer(text):
            if self.confirm is None or self.confirm(match[0]):
                yield match


def first(patterns: Iterable[Pattern], text: str) -> tuple[Pattern, str] | None:
    """The first of `patterns` that is in `text`, and what matched; None when none is."""
    lowered = text.lower()
    for pattern in patterns:
        held = lowered if pattern.any_case else text
        match = next(pattern.matches(text), None) if pattern.may_be_in(held) else None
        if match:
            return pattern, match[0]
    return None
