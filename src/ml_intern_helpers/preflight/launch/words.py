"""The words of a command line, with what cannot be known of them before the shell runs."""

from __future__ import annotations

import re
from typing import NamedTuple

from ml_intern_helpers.text import clean

#: Shorter texts behind `hf_` are placeholders (`hf_xxx`): the client's own tokens have 34 characters or more.
TOKEN = re.compile(r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{16,}")


class Word(NamedTuple):
    """One argument as the program gets it.

    Attributes:
        text: the characters; where something is not known, as it was written (`$TOKEN`).
        unknown: why not all of it is known, "" when it is.
        known: how many characters from the start are certain.
        splits: an unquoted expansion, which may become no word or several.
    """

    text: str
    unknown: str = ""
    known: int = 1 << 30
    splits: bool = False

    def after(self, count: int) -> Word:
        """The word without its first `count` characters (`--timeout=4h` after the `=`)."""
        return Word(self.text[count:], self.unknown, max(0, self.known - count), self.splits)

    def before(self, mark: str) -> tuple[str, Word] | None:
        """`("FOO", Word("bar"))` of `FOO=bar` with the mark `=`; None where the mark is not there for certain."""
        at = self.text.find(mark)
        return (self.text[:at], self.after(at + len(mark))) if 0 <= at < self.known else None


def masked(text: str, limit: int = 160) -> str:
    """A piece of a command line as it may stand in a report: cleaned, shortened, tokens blanked."""
    return clean(TOKEN.sub("hf_…", text), limit=limit)


def quoted(words: list[str]) -> str:
    """Words as one would type them: those with blanks in quotes."""
    return " ".join(f"'{word}'" if " " in word or not word else word for word in words)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]
