"""Simple commands out of a shell's text: words, assignments before them, redirects, and where subshells begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ml_intern_helpers.launches.shell_text import Piece, Raw, Reader, Redirect, Token, commands_in
from ml_intern_helpers.launches.words import Word

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=)")
#: `A=$A$A`, sixty times, is longer than any memory.
_LONGEST = 32_768
#: Words that only begin or end a compound command; what follows them is a command.
_KEYWORDS = frozenset({"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "coproc", "function"})


@dataclass
class Command:
    """One simple command, or a bracket of a subshell (`opens`, `closes`).

    Attributes:
        assigns: `FOO=1` in front of it.
        keywords: `do`, `done` and the like in front.
        words: program first.
        redirects: in the order written.
        before, after: the operators around it (`&&`, `|`, `&` …).
    """

    assigns: list[tuple[str, Raw]] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    words: list[Raw] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    before: str = ""
    after: str = ""
    opens: bool = False
    closes: bool = False


def commands_of(text: str) -> Iterator[Command]:
    """The simple commands of `text` in the order written.

    Raises:
        BadData: a quote is never closed.
    """
    current = Command()
    for token in Reader(text).tokens():
        if token.kind == "operator":
            yield from _ended(current, token)
            current = Command(before="" if token.text in "()" else token.text)
        else:
            _take(current, token)
    yield from _ended(current, Token("operator", ""))


def _ended(command: Command, token: Token) -> Iterator[Command]:
    command.after = token.text
    if command.words or command.assigns or command.redirects or command.keywords:
        yield command
    if token.text in ("(", ")"):
        yield Command(opens=token.text == "(", closes=token.text == ")")


def _take(command: Command, token: Token) -> None:
    if token.redirect is not None:
        command.redirects.append(token.redirect)
        return
    raw = token.raw or Raw()
    if not command.words:
        if raw.bare and not command.assigns and (raw.literal in _KEYWORDS or command.keywords[-1:] == ["function"]):
            command.keywords.append(raw.literal or "")
            return
        assigned = _assignment(raw)
        if assigned is not None:
            command.assigns.append(assigned)
            return
    command.words.append(raw)


def _assignment(raw: Raw) -> tuple[str, Raw] | None:
    first = raw.pieces[0] if raw.pieces else None
    match = _ASSIGNMENT.match(first.text) if first and first.kind == "text" and not first.quoted else None
    if match is None or first is None:
        return None
    rest = first.text[match.end() :]
    pieces = [Piece("text", rest, False, rest), *raw.pieces[1:]]
    if match.group(2) == "+=":
        pieces.insert(0, Piece("other", "", True, f"${match.group(1)}"))
    return match.group(1), Raw(pieces)


def expanded(raw: Raw, variables: dict[str, Word]) -> Word:
    """The word that `raw` becomes, with the variables that the line itself sets."""
    text, unknown, known, splits = "", "", 0, False
    for piece in raw.pieces:
        value = Word(piece.text) if piece.kind == "text" else _value(piece, variables)
        if not unknown:
            known += len(value.text) if not value.unknown else min(value.known, len(value.text))
        text += value.text
        unknown = unknown or value.unknown
        several = value.splits if value.unknown else " " in value.text
        splits = splits or (piece.kind != "text" and not piece.quoted and several)
    if len(text) > _LONGEST and any(piece.kind != "text" for piece in raw.pieces):
        return Word(text[:80], "an expansion that doubles itself", 0)
    return Word(text, unknown, known if unknown else 1 << 30, splits)


def _value(piece: Piece, variables: dict[str, Word]) -> Word:
    if piece.kind == "name" and piece.text in variables:
        return variables[piece.text]
    reasons = {
        "name": f"`{piece.source}` is set outside this command line",
        "command": f"`{piece.source[:60]}` is known only when it runs",
    }
    return Word(piece.source, reasons.get(piece.kind, f"`{piece.source[:60]}` is computed by the shell"), 0, splits=True)


def words_of(command: Command, variables: dict[str, Word]) -> list[Word]:
    """The expanded words; a known variable that was not quoted is split at blanks, as the shell does."""
    found: list[Word] = []
    for raw in command.words:
        word = expanded(raw, variables)
        if word.splits and not word.unknown and len(raw.pieces) == 1:
            found += [Word(part) for part in word.text.split()]
        else:
            found.append(word._replace(splits=word.splits and bool(word.unknown)))
    return found


def substitutions(command: Command) -> Iterator[str]:
    """The texts that other shells run for a command: `$(…)`, `<(…)`. A launch may stand there (`J=$(hf jobs uv run t.py)`)."""
    for raw in (*command.words, *(value for _, value in command.assigns), *(one.target for one in command.redirects)):
        for piece in raw.pieces:
            if piece.kind == "command":
                yield piece.text
            elif piece.source.startswith(("<(", ">(")):
                yield piece.source[2:-1]
            elif piece.kind == "other":
                yield from commands_in(piece.source[1:])
    for redirect in command.redirects:
        if redirect.body and redirect.expands:
            yield from commands_in(redirect.body)
