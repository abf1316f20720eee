"""What a command leaves behind for those that follow it in the line, and what it is given to read."""

from __future__ import annotations

import os.path
import re
import shlex
from pathlib import Path

from ml_intern_helpers.launches.place import Place, Written
from ml_intern_helpers.launches.reading import PYTHON, SHELL, text_of_file
from ml_intern_helpers.launches.shell import Command, expanded
from ml_intern_helpers.launches.words import Word, masked
from ml_intern_helpers.launches.wrappers import program

#: A longer path is none that a system takes.
_LONGEST_PATH = 4096


def change_folder(place: Place, words: list[Word]) -> None:
    """`cd`, `pushd`."""
    target = next((word for word in words[1:] if not word.text.startswith("-") or word.text == "-"), None)
    if target is None or target.text == "-" or target.unknown:
        place.cwd, place.why = None, target.unknown if target and target.unknown else "`cd` goes to another folder"
        return
    folder = place.resolved(target.text) if len(target.text) < _LONGEST_PATH else None
    place.cwd = Path(os.path.normpath(folder)) if folder is not None and len(str(folder)) < _LONGEST_PATH else None


def export(place: Place, words: list[Word]) -> None:
    """`export NAME=value NAME`."""
    for word in words:
        pair = word.before("=")
        if pair:
            place.variables[pair[0]] = place.environ[pair[0]] = pair[1]
        elif word.text in place.variables:
            place.environ[word.text] = place.variables[word.text]


def alias(place: Place, words: list[Word]) -> None:
    """`alias NAME='text'`: a shell that is asked to (the client's is) puts the text in the name's place from the next line on."""
    for word in words:
        pair = word.before("=")
        if pair and not pair[1].unknown:
            place.aliases[pair[0]] = pair[1].text


def unaliased(place: Place, words: list[Word]) -> str | None:
    """What the shell reads in place of words that begin with an alias; None when they do not."""
    text = place.aliases.get(words[0].text)
    rest = (word.text if word.unknown else shlex.quote(word.text) for word in words[1:])
    return None if text is None else " ".join([text, *rest])


def writes(place: Place, command: Command, words: list[Word], name: str) -> None:
    """Files made by redirects and `tee`; the text of a heredoc is known."""
    body = next((one for one in command.redirects if one.body is not None), None)
    targets = [expanded(one.target, place.variables) for one in command.redirects if one.operator in (">", ">>", ">|", "&>")]
    if name == "tee":
        targets += [word for word in words[1:] if not word.text.startswith("-")]
    appends = any(one.operator == ">>" for one in command.redirects)
    for target in targets:
        path = place.resolved(target.text) if not target.unknown else None
        if path is not None:
            exact = body is not None and body.body is not None and name in ("cat", "tee") and not appends
            made = _body(body.body or "", body.expands) if exact and body else None
            place.written[str(path)] = made or Written(None, f"what `{masked(name, 40)}` writes to {masked(target.text)}")


def stdin_of(place: Place, command: Command, before: list[Word]) -> Written | None:
    """What the command reads: a heredoc, a file, what is piped into it; `before` are the words of the command before it."""
    for redirect in reversed(command.redirects):
        if redirect.body is not None:
            return _body(redirect.body, redirect.expands)
        if redirect.operator == "<<<":
            word = expanded(redirect.target, place.variables)
            return Written(None if word.unknown else word.text, word.unknown)
        if redirect.operator == "<":
            return _content(place, expanded(redirect.target, place.variables))
    if command.before in ("|", "|&") and before:
        words = before
        if program(words[0]) == "cat" and len(words) == 2:
            return _content(place, words[1])
        return Written(None, "what is piped into it")
    return None


def _content(place: Place, word: Word) -> Written:
    path = place.resolved(word.text) if not word.unknown else None
    if path is not None and str(path) in place.written:
        return place.written[str(path)]
    text = text_of_file(path, (*PYTHON, *SHELL))
    return Written(text, "" if text is not None else word.unknown or f"{masked(word.text)} cannot be read as a Python script")


def _body(text: str, expands: bool) -> Written:
    if expands and re.search(r"\$[A-Za-z_{(]|`", text):
        return Written(None, "the shell replaces $… in the heredoc: quote its end word, <<'EOF'")
    return Written(text.replace("\\$", "$").replace("\\\\", "\\") if expands else text)
