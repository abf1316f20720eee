"""Where a command of the line is read: its folder, its variables, its standard input, and the files that earlier commands wrote.

Only certain kinds of files that a command line names are read: a hook checks launches without a prompt, and a command line must
not make it quote any other file. So configurations and scripts are recognised by their suffix, links resolved; of a file of
variables only the names are used, never the values.
"""

from __future__ import annotations

import os.path
import re
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.launches.shell import Command, expanded
from ml_intern_helpers.launches.words import Word, masked, program

PYTHON = (".py",)
SHELL = (".sh", ".bash", ".slurm", ".sbatch")
MAKE = ("Makefile", "makefile", ".mk")
YAML = (".yaml", ".yml")
VARIABLES = (".env",)
_MOST_BYTES = 64 * 1024
#: Commands read in one line, those in shell files included.
_MOST_COMMANDS = 3000
#: A longer path is none that a system takes.
_LONGEST_PATH = 4096


def text_of_file(path: Path | None, kinds: tuple[str, ...]) -> str | None:
    """The text of a regular file that ends in one of `kinds`, links resolved; None when there is none to read."""
    try:
        real = path.resolve() if path is not None else None
        if real is None or not real.name.endswith(kinds) or not stat.S_ISREG(real.stat().st_mode):
            return None
        with real.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        return data.decode("utf-8") if len(data) <= _MOST_BYTES else None
    except (OSError, ValueError, RuntimeError):
        return None


@dataclass
class Written:
    """A file that the command line itself writes: its text, None when that is not known."""

    text: str | None
    reason: str = ""


@dataclass
class Place:
    """Where a command is read.

    Attributes:
        cwd: the folder, None when not known (then `why` says so).
        variables: what the line sets, exported or not.
        environ: what the command's process gets from the line.
        aliases: names that `alias` gave a text to.
        written: files that earlier commands of the line write.
        makes: the earlier command that may write files of its own (`git clone`), "" when there is none.
        stdin: what a heredoc or pipe gives the command, None when nothing.
        container: it runs in a job or container, where no file of this machine is, except for
        mounts: mount point -> folder of this machine, or None for what is on the Hub, and
        shipped: files that the client sends along.
        own_folders: `cwd` is a folder of the container (`docker run -w /work`), not of this machine.
        depth: how deep in `bash -c` and the like.
        left: commands that may still be read; one count for all places of a line.
    """

    cwd: Path | None
    why: str = ""
    variables: dict[str, Word] = field(default_factory=dict)
    environ: dict[str, Word] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    makes: str = ""
    stdin: Written | None = None
    container: bool = False
    mounts: dict[str, str | None] = field(default_factory=dict)
    shipped: frozenset[str] = frozenset()
    own_folders: bool = False
    depth: int = 0
    left: list[int] = field(default_factory=lambda: [_MOST_COMMANDS])

    def spend(self) -> None:
        """Count a command.

        Raises:
            Unavailable: there are more than anybody writes (shell files that start each other count as well).
        """
        self.left[0] -= 1
        if self.left[0] < 0:
            raise Unavailable(f"more than {_MOST_COMMANDS} commands in one line", hint="give the launch by itself")

    def resolved(self, name: str) -> Path | None:
        """The path that `name` means here."""
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            return None
        return path if path.is_absolute() else self.cwd / path if self.cwd is not None else None

    def change_folder(self, words: list[Word]) -> None:
        """`cd`, `pushd`."""
        target = next((word for word in words[1:] if not word.text.startswith("-") or word.text == "-"), None)
        if target is None or target.text == "-" or target.unknown:
            self.cwd, self.why = None, target.unknown if target and target.unknown else "`cd` goes to another folder"
            return
        folder = self.resolved(target.text) if len(target.text) < _LONGEST_PATH else None
        self.cwd = Path(os.path.normpath(folder)) if folder is not None and len(str(folder)) < _LONGEST_PATH else None

    def export(self, words: list[Word]) -> None:
        """`export NAME=value NAME`."""
        for word in words:
            pair = word.before("=")
            if pair:
                self.variables[pair[0]] = self.environ[pair[0]] = pair[1]
            elif word.text in self.variables:
                self.environ[word.text] = self.variables[word.text]

    def set_aliases(self, words: list[Word]) -> None:
        """`alias NAME='text'`: a shell that expands aliases (the client's does) replaces the name from the next line on."""
        for word in words:
            pair = word.before("=")
            if pair and not pair[1].unknown:
                self.aliases[pair[0]] = pair[1].text

    def unaliased(self, words: list[Word]) -> str | None:
        """What the shell reads instead of words that begin with an alias; None when they do not."""
        text = self.aliases.get(words[0].text)
        rest = (word.text if word.unknown else shlex.quote(word.text) for word in words[1:])
        return None if text is None else " ".join([text, *rest])

    def record_writes(self, command: Command, words: list[Word]) -> None:
        """Files written by redirects and `tee`; the text of a heredoc is known."""
        name = program(words[0])
        body = next((one for one in command.redirects if one.body is not None), None)
        targets = [expanded(one.target, self.variables) for one in command.redirects if one.operator in (">", ">>", ">|", "&>")]
        if name == "tee":
            targets += [word for word in words[1:] if not word.text.startswith("-")]
        appends = any(one.operator == ">>" for one in command.redirects)
        for target in targets:
            path = self.resolved(target.text) if not target.unknown else None
            if path is None:
                continue
            if body is not None and body.body is not None and name in ("cat", "tee") and not appends:
                self.written[str(path)] = _heredoc(body.body, body.expands)
            else:
                self.written[str(path)] = Written(None, f"what `{masked(name, 40)}` writes to {masked(target.text)}")

    def stdin_of(self, command: Command, previous: list[Word]) -> Written | None:
        """What the command reads: a heredoc, a file, or what the command before it (with the words `previous`) pipes into it."""
        for redirect in reversed(command.redirects):
            if redirect.body is not None:
                return _heredoc(redirect.body, redirect.expands)
            if redirect.operator == "<<<":
                word = expanded(redirect.target, self.variables)
                return Written(None if word.unknown else word.text, word.unknown)
            if redirect.operator == "<":
                return self._content(expanded(redirect.target, self.variables))
        if command.before in ("|", "|&") and previous:
            if program(previous[0]) == "cat" and len(previous) == 2:
                return self._content(previous[1])
            return Written(None, "what is piped into it")
        return None

    def _content(self, word: Word) -> Written:
        path = self.resolved(word.text) if not word.unknown else None
        if path is not None and str(path) in self.written:
            return self.written[str(path)]
        text = text_of_file(path, (*PYTHON, *SHELL))
        unread = word.unknown or f"{masked(word.text)} cannot be read as a Python script"
        return Written(text, "" if text is not None else unread)


def _heredoc(text: str, expands: bool) -> Written:
    if expands and re.search(r"\$[A-Za-z_{(]|`", text):
        return Written(None, "the shell replaces $… in the heredoc: quote its end word, <<'EOF'")
    return Written(text.replace("\\$", "$").replace("\\\\", "\\") if expands else text)
