"""Suppresses findings by comments, `# preflight: ignore[API101] reason`, and records the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.source import Source
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.outcome import Outcome

_COMMENT = re.compile(r"#\s*preflight:\s*ignore\[([^\]]*)\]\s*(.*)")


class Suppressed(NamedTuple):
    """A finding that a comment suppresses."""

    code: str
    line: int | None
    reason: str


class Comment(NamedTuple):
    """One comment: its codes, reason and line, and whether it is alone on its line (then it also covers the line below)."""

    codes: frozenset[str]
    reason: str
    line: int
    alone: bool

    def covers(self, code: str, outcome: Outcome) -> bool:
        """Whether it is on the finding's line, in the call around it or directly above either, or the finding has no line."""
        line = outcome.line
        if code not in self.codes or line is None:
            return code in self.codes
        first = outcome.first_line or line
        above = self.alone and self.line in (line - 1, first - 1)
        return self.line == line or first <= self.line <= (outcome.last_line or line) or above


class Suppressions:
    """The suppressing comments of one script, and the findings they have suppressed.

    Attributes:
        suppressed: the findings suppressed so far.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        # Tokenizing is slow, so it is done only where there may be such a comment.
        self._comments = list(_comments(source)) if "preflight:" in source.text else []
        self._used: set[Comment] = set()
        self.suppressed: list[Suppressed] = []

    def apply(self, code: str, outcome: Outcome) -> Outcome:
        """The outcome; a failure becomes a pass where a comment with a reason suppresses it."""
        for comment in self._comments if outcome.state == "fail" else ():
            if comment.covers(code, outcome):
                self._used.add(comment)
                if comment.reason:
                    self.suppressed.append(Suppressed(code, outcome.line, comment.reason))
                    text = f"suppressed at line {comment.line}: {comment.reason}"
                    return outcome._replace(state="pass", text=text, fix="", line=None)
        return outcome

    def notes(self) -> Iterator[str]:
        """A message for each comment that lacks a reason or suppressed nothing."""
        for comment in self._comments:
            codes = clean(",".join(sorted(comment.codes)), limit=60)
            if not comment.reason:
                why = "has no effect: it needs a reason after the bracket"
            elif comment not in self._used:
                why = "suppresses nothing in this mode"
            else:
                continue
            yield f"{self._source.place(comment.line)}: ignore[{codes}] {why}"


def _comments(source: Source) -> Iterator[Comment]:
    """The suppressing comments, including those without a reason; strings that look like one are ignored."""
    import io
    import tokenize

    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
            if match:
                line, column = token.start
                codes = frozenset(code.strip() for code in match.group(1).split(","))
                alone = not source.lines[line - 1][:column].strip()
                yield Comment(codes, clean(match.group(2), limit=200), line, alone)
    except (tokenize.TokenError, SyntaxError):
        pass  # the source has parsed before; the comments found so far are kept
