"""`# preflight: ignore[API101] reason`: a finding that the author answers for, with the reason on record."""

from __future__ import annotations

import re
from typing import NamedTuple

from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.core.text import clean

_COMMENT = re.compile(r"#\s*preflight:\s*ignore\[([^\]]*)\]\s*(.*)")


class Suppression(NamedTuple):
    """One comment: the codes, the reason, its line, and whether it stands alone (then it is for the line below too)."""

    codes: frozenset[str]
    reason: str
    line: int
    alone: bool

    def covers(self, code: str, line: int | None, first_line: int | None, last_line: int | None) -> bool:
        """True on the line, on any of the call that it belongs to, above either, or anywhere for a finding without a place."""
        if code not in self.codes or line is None:
            return code in self.codes
        first = first_line or line
        above = self.alone and self.line in (line - 1, first - 1)
        return self.line == line or first <= self.line <= (last_line or line) or above


def suppressions(source: Source) -> list[Suppression]:
    """The suppressions of a script, those without a reason included."""
    if "preflight:" not in source.text:
        return []  # tokenizing costs more than everything else
    found = []
    for line, column, text in _comments(source):
        match = _COMMENT.match(text)
        if match:
            codes = frozenset(code.strip() for code in match.group(1).split(","))
            alone = not source.lines[line - 1][:column].strip()
            found.append(Suppression(codes, clean(match.group(2), limit=200), line, alone))
    return found


def _comments(source: Source) -> list[tuple[int, int, str]]:
    """(line, column, text) of the comments: a string that looks like one is none."""
    import io
    import tokenize

    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT:
                found.append((token.start[0], token.start[1], token.string))
    except (tokenize.TokenError, SyntaxError):
        pass  # it has been parsed before: what was found until here counts
    return found
