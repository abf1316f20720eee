"""Parses shell text into simple commands: words, leading assignments, redirects, and the start and end of subshells.

It covers the parts of bash that launches use: quotes, expansions, operators and heredocs. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.launches.words import Word

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=)")
#: The longest expansion in characters: `A=$A$A` repeated sixty times would exhaust memory.
_LONGEST = 32_768
#: Words that begin or end a compound command; a command follows them.
_KEYWORDS = frozenset({"if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "coproc", "function"})
#: Keeps the parse time below a second; a launch has about twenty words.
_MOST_WORDS = 15_000
#: Unquoted characters up to the next special one.
_PLAIN = re.compile(r"[^\s\\'\"$`;&|<>()#]+|#")
_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_REDIRECT = re.compile(r"(\d*|&)(<<<|<<-|<<|>>|>\||>&|<&|<>|<|>)")
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|&|;|\||\n|\(|\)")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "r": "\r", "a": "\a", "0": "\0"}


class Piece(NamedTuple):
    """A part of a word.

    Attributes:
        kind: `text`; `name` (a variable); `command` (of `$(…)`); `other` (arithmetic, `${x:-y}`).
        text: the characters, the variable's name, or the command.
        quoted: it is in quotes, so the shell does not split it.
        source: the text as written.
    """

    kind: str
    text: str
    quoted: bool
    source: str


@dataclass
class Raw:
    """A word before expansion."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def literal(self) -> str | None:
        """The text of the word; None when it contains an expansion."""
        return "".join(piece.text for piece in self.pieces) if all(piece.kind == "text" for piece in self.pieces) else None

    @property
    def bare(self) -> bool:
        """No part of it is quoted: only such a word can be a keyword or an assignment."""
        return not any(piece.quoted for piece in self.pieces)


@dataclass
class Redirect:
    """`< file`, `> file`, or a heredoc with its body; `expands` tells whether the shell replaces `$x` in the body."""

    operator: str
    target: Raw
    body: str | None = None
    expands: bool = False


@dataclass
class Command:
    """One simple command, or a bracket of a subshell (`opens`, `closes`).

    Attributes:
        assigns: the assignments before it (`FOO=1`).
        keywords: the keywords before it (`do`, `done` and the like).
        words: the words, the program first.
        redirects: the redirects in the order written.
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
    for token in [*_Reader(text).tokens(), ""]:
        if isinstance(token, Redirect):
            current.redirects.append(token)
        elif isinstance(token, Raw):
            _take(current, token)
        else:
            current.after = token
            if current.words or current.assigns or current.redirects or current.keywords:
                yield current
            if token in ("(", ")"):
                yield Command(opens=token == "(", closes=token == ")")
            current = Command(before="" if token in "()" else token)


def _take(command: Command, raw: Raw) -> None:
    """Add a word to `command`: keywords and assignments count only before the program."""
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
    """The word that `raw` expands to, given the variables that the line itself sets."""
    text, unknown, known, splits = "", "", 0, False
    for piece in raw.pieces:
        value = Word(piece.text) if piece.kind == "text" else _value(piece, variables)
        if not unknown:
            known += len(value.text) if not value.unknown else min(value.known, len(value.text))
        text += value.text
        unknown = unknown or value.unknown
        may_split = value.splits if value.unknown else " " in value.text
        splits = splits or (piece.kind != "text" and not piece.quoted and may_split)
    if len(text) > _LONGEST and any(piece.kind != "text" for piece in raw.pieces):
        return Word(text[:80], "its expansion grows too long", 0)
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
    words: list[Word] = []
    for raw in command.words:
        word = expanded(raw, variables)
        if word.splits and not word.unknown and len(raw.pieces) == 1:
            words += [Word(part) for part in word.text.split()]
        else:
            words.append(word._replace(splits=word.splits and bool(word.unknown)))
    return words


def substitutions(command: Command) -> Iterator[str]:
    """The texts of a command's `$(…)` and `<(…)`, which may contain a launch (`J=$(hf jobs uv run t.py)`)."""
    for raw in (*command.words, *(value for _, value in command.assigns), *(redirect.target for redirect in command.redirects)):
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


#: A word, a redirect, or an operator.
_Token = Raw | Redirect | str


class _Reader:
    """Splits `text` into tokens in one pass from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.pending: list[Redirect] = []

    def tokens(self) -> list[_Token]:
        """All tokens.

        Raises:
            BadData: a quote, `$(` or `` ` `` that is never closed.
            Unavailable: more than `_MOST_WORDS` tokens.
        """
        tokens: list[_Token] = []
        while True:
            self._skip_blank()
            if self.at >= len(self.text):
                return tokens
            if len(tokens) >= _MOST_WORDS:
                raise Unavailable(f"more than {_MOST_WORDS} words in one command line", hint="move its long parts into a file")
            tokens.append(self._token())

    def _skip_blank(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r":
                self.at += 1
            elif self.text.startswith(("\\\n", "\\\r\n"), self.at):
                self.at += 2 if self.text[self.at + 1] == "\n" else 3
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def _token(self) -> _Token:
        operator = None if self.text.startswith("&>", self.at) else _OPERATOR.match(self.text, self.at)
        if operator is not None:
            self.at = operator.end()
            if operator.group() == "\n":
                self._read_bodies()
            return operator.group()
        redirect = _REDIRECT.match(self.text, self.at)
        if redirect and not self.text.startswith(("<(", ">("), redirect.start(2)):
            return self._redirect(redirect)
        return self._word()

    def _redirect(self, match: re.Match[str]) -> Redirect:
        self.at = match.end()
        self._skip_blank()
        redirect = Redirect(match.group(2), self._word())
        if redirect.operator in ("<<", "<<-"):
            redirect.expands = redirect.target.bare
            self.pending.append(redirect)
        return redirect

    def _read_bodies(self) -> None:
        """Read the bodies of the heredocs that were opened on the line that just ended."""
        for redirect in self.pending:
            end = redirect.target.literal or ""
            lines = []
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop]
                self.at = stop + 1
                line = line.lstrip("\t") if redirect.operator == "<<-" else line
                if line == end:
                    break
                lines.append(line)
            redirect.body = "".join(f"{line}\n" for line in lines)
        self.pending = []

    def _word(self) -> Raw:
        raw = Raw()
        while self.at < len(self.text) and (pieces := self._pieces()):
            raw.pieces += pieces
        return raw

    def _pieces(self) -> list[Piece]:
        """The next pieces of a word; empty at its end."""
        char = self.text[self.at]
        if char == '"':
            return self._double()
        if char in "$`":
            return [self._expansion(quoted=False)]
        start = self.at
        if char == "'":
            end = self._behind("'", start, "'")
            return [Piece("text", self.text[start + 1 : end - 1], True, self.text[start:end])]
        if char == "\\":
            self.at += 2
            following = self.text[start + 1 : self.at]
            return [Piece("text", "", False, "") if following == "\n" else Piece("text", following, True, f"\\{following}")]
        if char in "<>" and self.text.startswith("(", start + 1):
            return [Piece("other", "", True, self.text[start : self._to_closing(start + 2, start)])]
        match = _PLAIN.match(self.text, start)
        self.at = match.end() if match else start
        return [Piece("text", match.group(), False, match.group())] if match else []

    def _double(self) -> list[Piece]:
        """The pieces of `"…"`, starting with an empty one because `""` is a word, too."""
        start = self.at
        self.at += 1
        pieces = [Piece("text", "", True, "")]
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return pieces
            if char in "$`":
                pieces.append(self._expansion(quoted=True))
            elif char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                self.at += 2
                text = "" if following == "\n" else following if following in '"\\$`' else f"\\{following}"
                pieces.append(Piece("text", text, True, f"\\{following}"))
            else:
                match = _IN_DOUBLE.match(self.text, self.at)
                assert match is not None  # every other character was handled
                self.at = match.end()
                pieces.append(Piece("text", match.group(), True, match.group()))
        raise self._never_closed('"', start)

    def _expansion(self, *, quoted: bool) -> Piece:
        start = self.at
        if self.text[start] == "`":
            end = self._behind("`", start, "`")
            return Piece("command", self.text[start + 1 : end - 1], quoted, self.text[start:end])
        if self.text.startswith("$'", start) and not quoted:
            return self._ansi()
        if self.text.startswith("$((", start):
            return Piece("other", "", quoted, self.text[start : self._to_closing(start + 2, start)])
        if self.text.startswith("$(", start):
            end = self._to_closing(start + 2, start)
            return Piece("command", self.text[start + 2 : end - 1], quoted, self.text[start:end])
        if self.text.startswith("${", start):
            end = self._behind("}", start, "${")
            name = self.text[start + 2 : end - 1]
            return Piece("name" if _NAME.fullmatch(name) else "other", name, quoted, self.text[start:end])
        match = _NAME.match(self.text, start + 1)
        if match is None:
            self.at += 1
            return Piece("text", "$", quoted, "$")
        self.at = match.end()
        return Piece("name", match.group(), quoted, self.text[start : self.at])

    def _behind(self, mark: str, start: int, opening: str) -> int:
        """Move behind the next `mark` after `start`, and return that position."""
        end = self.text.find(mark, start + 1)
        if end < 0:
            raise self._never_closed(opening, start)
        self.at = end + 1
        return self.at

    def _ansi(self) -> Piece:
        start = self.at
        end = start + 2
        while end < len(self.text) and self.text[end] != "'":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self._never_closed("$'", start)
        self.at = end + 1
        body = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), self.text[start + 2 : end])
        return Piece("text", body, True, self.text[start : self.at])

    def _to_closing(self, at: int, start: int) -> int:
        """Move behind the bracket that closes the one before `at`, skipping quoted text, and return that position."""
        depth = 1
        while at < len(self.text):
            char = self.text[at]
            if char in "'\"":
                at += 1
                while at < len(self.text) and self.text[at] != char:
                    at += 2 if char == '"' and self.text[at] == "\\" else 1
                at += 1
                continue
            depth += {"(": 1, ")": -1}.get(char, 0)
            at += 2 if char == "\\" else 1
            if depth == 0:
                self.at = at
                return at
        raise self._never_closed("$(", start)

    def _never_closed(self, what: str, start: int) -> BadData:
        message = f"the command line cannot be read: {what} at character {start + 1} is never closed"
        return BadData(message, hint="close it, and put the whole command in single quotes after --launch")


_STARTS = re.compile(r"(?<!\\)(?:\$\((?!\()|`)")


def commands_in(text: str) -> Iterator[str]:
    """The texts of `$(…)` and backticks in a heredoc's body or inside `${…}`, where quotes have no meaning."""
    at = 0
    while match := _STARTS.search(text, at):
        reader = _Reader(text)
        reader.at = match.start()
        yield reader._expansion(quoted=True).text
        at = reader.at
