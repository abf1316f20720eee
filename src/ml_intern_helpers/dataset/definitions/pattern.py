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
        unless: an expression that excuses the whole text when it matches, or None.
        confirm: the last word on a match, where an expression cannot say it (check digits, placeholders); or None.
    """

    name: str
    regex: str
    needles: tuple[str, ...]
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

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every confirmed match in `text`; none when the text is excused."""
        if self.excuse and self.excuse.search(text):
            return
        for match in self.compiled.finditer(text):
            if self.confirm is None or self.confirm(match[0]):
                yield match


def first(patterns: Iterable[Pattern], text: str) -> tuple[Pattern, str] | None:
    """The first of `patterns` that is in `text`, and what matched; None when none is."""
    for pattern in patterns:
        match = next(pattern.matches(text), None)
        if match:
            return pattern, match[0]
    return None
