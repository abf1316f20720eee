"""Reads a shell line that is so plain that bash and zsh can't read it in two ways; gives up on every other line.

This is no shell parser. It knows three spellings of a word and refuses the rest, so that what it returns is exactly what
the shell will start: one program, these arguments, no expansion, no redirection, no second command.
"""

from __future__ import annotations

import re

#: Bare characters that neither bash nor zsh gives a meaning inside a word. Absent on purpose: ``~ * ? [ ] { } ^ # ! $ \ ` ``.
_BARE = r"[A-Za-z0-9_@%+=:,./-]+"
_SINGLE = r"'([^']*)'"
_DOUBLE = r'"([^"$`\\!]*)"'
_PIECE = re.compile(rf"(?P<gap> +)|(?P<bare>{_BARE})|{_SINGLE}|{_DOUBLE}")
_LONGEST = 8192


def plain_words(line: str) -> list[str] | None:
    """Return the words of `line`, program first, or None when it is anything but one plain command.

    Quotes are removed. A line with a control character, a newline or a character without a shape (NUL, bidi marks, lone
    surrogates) is not plain.
    """
    if not line.isprintable() or len(line) > _LONGEST:
        return None
    pieces = _pieces(line.strip(" "))
    return _joined(pieces) if pieces else None


def _pieces(line: str) -> list[re.Match[str]] | None:
    found = []
    at = 0
    while at < len(line):
        piece = _PIECE.match(line, at)
        if piece is None:
            return None
        found.append(piece)
        at = piece.end()
    return found


def _joined(pieces: list[re.Match[str]]) -> list[str] | None:
    """Glue neighbouring pieces (`a'b c'` is one word) and split at the gaps."""
    words = [""]
    for position, piece in enumerate(pieces):
        if piece["gap"]:
            words.append("")
        elif piece["bare"]:
            starts_word = position == 0 or pieces[position - 1]["gap"]
            if starts_word and piece["bare"].startswith("="):
                return None  # zsh reads `=name` as the path of a program
            words[-1] += piece["bare"]
        else:
            words[-1] += piece[0][1:-1]
    return words
