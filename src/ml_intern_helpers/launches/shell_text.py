"""A shell's text cut into pieces: quotes, expansions, operators, heredocs. Reads bash as far as launches are written in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ml_intern_helpers.core.errors import BadData, Unavailable

#: Keeps the answer below a second; a launch has some twenty.
_MOST_WORDS = 15_000
#: What an unquoted word runs to.
_PLAIN = re.compile(r"[^\s\\'\"$`;&|<>()#]+|#")
_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_REDIRECT = re.compile(r"(\d*|&)(<<<|<<-|<<|>>|>\||>&|<&|<>|<|>)")
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|&|;|\||\n|\(|\)")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "r": "\r", "a": "\a", "0": "\0"}


class Piece(NamedTuple):
    """A part of a word.

    Attributes:
        kind: `text`; `name` (a variable); `command` (what stands in `$(…)`); `other` (arithmetic, `${x:-y}`).
        text: the characters, the variable's name, or the command.
        quoted: it stands in quotes, so that it stays one word.
        source: as written.
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
        """Its text when it holds no expansion."""
        return "".join(piece.text for piece in self.pieces) if all(piece.kind == "text" for piece in self.pieces) else None

    @property
    def bare(self) -> bool:
        """Nothing in it is quoted: only such a word can be a keyword or an assignment."""
        return not any(piece.quoted for piece in self.pieces)


@dataclass
class Redirect:
    """`< file`, `> file`, or a heredoc with its body; `expands` when the shell replaces `$x` in the body."""

    operator: str
    target: Raw
    body: str | None = None
    expands: bool = False


@dataclass
class Token:
    """A word, a redirect, or an operator."""

    kind: str
    text: str = ""
    raw: Raw | None = None
    redirect: Redirect | None = None


class Reader:
    """Cuts `text` into tokens, once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.pending: list[Redirect] = []

    def tokens(self) -> list[Token]:
        """All tokens.

        Raises:
            BadData: a quote, `$(` or `` ` `` that is never closed.
            Unavailable: more words than anybody types.
        """
        found: list[Token] = []
        while True:
            self._skip_blank()
            if self.at >= len(self.text):
                return found
            if len(found) >= _MOST_WORDS:
                raise Unavailable(f"more than {_MOST_WORDS} words in one command line", hint="put what is long into a file")
            found.append(self._token())

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

    def _token(self) -> Token:
        operator = self._operator()
        if operator is not None:
            return operator
        redirect = _REDIRECT.match(self.text, self.at)
        if redirect and not self.text.startswith(("<(", ">("), redirect.start(2)):
            return Token("redirect", redirect=self._redirect(redirect))
        return Token("word", raw=self._word())

    def _operator(self) -> Token | None:
        if self.text.startswith("&>", self.at):
            return None
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        if match.group() == "\n":
            self._read_bodies()
        return Token("operator", match.group())

    def _redirect(self, match: re.Match[str]) -> Redirect:
        self.at = match.end()
        self._skip_blank()
        redirect = Redirect(match.group(2), self._word())
        if redirect.operator in ("<<", "<<-"):
            redirect.expands = redirect.target.bare
            self.pending.append(redirect)
        return redirect

    def _read_bodies(self) -> None:
        """The bodies of the heredocs opened on the line that just ended."""
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
        while self.at < len(self.text):
            piece = self._piece(raw)
            if piece is None:
                break
            raw.pieces.append(piece)
        return raw

    def _piece(self, raw: Raw) -> Piece | None:
        char = self.text[self.at]
        if char == "'":
            return self._single()
        if char == '"':
            return self._double(raw)
        if char == "\\":
            return self._escaped()
        if char in "$`":
            return self._expansion(quoted=False)
        if char in "<>" and self.text.startswith("(", self.at + 1):
            start, self.at = self.at, self.at + 1
            return Piece("other", "", True, self.text[start : self._to_closing(self.at + 1, start)])
        match = _PLAIN.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return Piece("text", match.group(), False, match.group())

    def _escaped(self) -> Piece | None:
        if self.text.startswith("\\\n", self.at):
            self.at += 2
            return Piece("text", "", False, "")
        piece = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        return Piece("text", piece, True, f"\\{piece}")

    def _single(self) -> Piece:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise self._never_closed("'", self.at)
        body = self.text[self.at + 1 : end]
        self.at = end + 1
        return Piece("text", body, True, f"'{body}'")

    def _double(self, raw: Raw) -> Piece:
        """The pieces of `"…"` go into `raw`; the last one is returned."""
        start = self.at
        self.at += 1
        last = Piece("text", "", True, "")
        while True:
            if self.at >= len(self.text):
                raise self._never_closed('"', start)
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return last
            raw.pieces.append(last)
            last = self._in_double(char)

    def _in_double(self, char: str) -> Piece:
        if char in "$`":
            return self._expansion(quoted=True)
        if char == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            self.at += 2
            text = "" if following == "\n" else following if following in '"\\$`' else f"\\{following}"
            return Piece("text", text, True, f"\\{following}")
        match = _IN_DOUBLE.match(self.text, self.at)
        assert match is not None  # every other character was handled
        self.at = match.end()
        return Piece("text", match.group(), True, match.group())

    def _expansion(self, *, quoted: bool) -> Piece:
        start = self.at
        if self.text[start] == "`":
            return self._backticks(quoted)
        if self.text.startswith("$'", start) and not quoted:
            return self._ansi()
        if self.text.startswith("$((", start):
            return Piece("other", "", quoted, self.text[start : self._to_closing(start + 2, start)])
        if self.text.startswith("$(", start):
            end = self._to_closing(start + 2, start)
            return Piece("command", self.text[start + 2 : end - 1], quoted, self.text[start:end])
        if self.text.startswith("${", start):
            return self._braced(quoted)
        match = _NAME.match(self.text, start + 1)
        if match is None:
            self.at += 1
            return Piece("text", "$", quoted, "$")
        self.at = match.end()
        return Piece("name", match.group(), quoted, self.text[start : self.at])

    def _braced(self, quoted: bool) -> Piece:
        start = self.at
        end = self.text.find("}", start)
        if end < 0:
            raise self._never_closed("${", start)
        self.at = end + 1
        name = self.text[start + 2 : end]
        kind = "name" if _NAME.fullmatch(name) else "other"
        return Piece(kind, name, quoted, self.text[start : self.at])

    def _backticks(self, quoted: bool) -> Piece:
        start = self.at
        end = self.text.find("`", start + 1)
        if end < 0:
            raise self._never_closed("`", start)
        self.at = end + 1
        return Piece("command", self.text[start + 1 : end], quoted, self.text[start : self.at])

    def _ansi(self) -> Piece:
        start = self.at
        end = start + 2
        while end < len(self.text) and self.text[end] != "'":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self._never_closed("$'", start)
        self.at = end + 1
        body = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), self.text[start + 2 : end])
        return Piece("text", body, True, self.text[start : self.at])

    def _to_closing(self, at: int, start: int) -> int:
        """The position behind the bracket that closes the one before `at`; quotes inside are skipped. Moves there."""
        depth = 1
        while at < len(self.text):
            char = self.text[at]
            if char == "'" or char == '"':
                at = self._behind_quote(at, char)
                continue
            depth += {"(": 1, ")": -1}.get(char, 0)
            at += 2 if char == "\\" else 1
            if depth == 0:
                self.at = at
                return at
        raise self._never_closed("$(", start)

    def _behind_quote(self, at: int, quote: str) -> int:
        end = at + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if quote == '"' and self.text[end] == "\\" else 1
        return end + 1

    def _never_closed(self, what: str, start: int) -> BadData:
        message = f"the command line cannot be read: {what} at character {start + 1} is never closed"
        return BadData(message, hint="close it; put the whole command in single quotes behind --launch")


_STARTS = re.compile(r"(?<!\\)(?:\$\((?!\()|`)")


def commands_in(text: str) -> Iterator[str]:
    """The texts of `$(…)` and backticks in what is no word: a heredoc's body, the inside of `${…}`. Quotes mean nothing there."""
    at = 0
    while match := _STARTS.search(text, at):
        reader = Reader(text)
        reader.at = match.start()
        yield reader._expansion(quoted=True).text
        at = reader.at
