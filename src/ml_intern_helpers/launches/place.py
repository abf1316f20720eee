"""Tracks the state in which each command of a line runs: folder, variables, standard input, and files written before it.

Only files with certain suffixes are read, after links are resolved: a hook checks launches without asking the user, and a command
line must not make it quote arbitrary files. From a file of variables only the names are used, never the values.
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
#: The most commands that are read for one line, including those in shell files.
_MOST_COMMANDS = 3000
#: The longest path that Linux accepts.
_LONGEST_PATH = 4096


def text_of_file(path: Path | None, kinds: tuple[str, ...]) -> str | None:
    """The text of a regular file whose resolved name ends in one of `kinds`; None when it is missing, too large or unreadable."""
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
    """A file that the command line itself writes: its text, or None and the reason why the text is not known."""

    text: str | None
    reason: str = ""


@dataclass
class Place:
    """The state in which a command runs, as far as the line shows it.

    Attributes:
        cwd: the working folder; None when it is not known, for the reason in `why`.
        why: why `cwd` is not known.
        variables: the shell variables that the line sets, exported or not.
        environ: the environment variables that the command's process gets from the line.
        aliases: the names that `alias` defines, with their texts.
        written: the files that earlier commands of the line write, by path.
        file_creator: the earlier command that may create files not named on the line (`git clone`), "" when there is none.
        stdin: the text that a heredoc or pipe feeds to the command; None when there is none.
        container: the command runs in a job or container, which sees no files of this machine but `mounts` and `shipped`.
        mounts: mount point -> folder of this machine, or None for what is on the Hub.
        shipped: the files that the client uploads with the job.
        cwd_in_container: `cwd` is a folder of the container (`docker run -w /work`), not of this machine.
        depth: the nesting level of `bash -c` and the like.
        commands_left: how many commands may still be read; a one-element list, shared by all places of a line.
    """

    cwd: Path | None
    why: str = ""
    variables: dict[str, Word] = field(default_factory=dict)
    environ: dict[str, Word] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    file_creator: str = ""
    stdin: Written | None = None
    container: bool = False
    mounts: dict[str, str | None] = field(default_factory=dict)
    shipped: frozenset[str] = frozenset()
    cwd_in_container: bool = False
    depth: int = 0
    commands_left: list[int] = field(default_factory=lambda: [_MOST_COMMANDS])

    def spend(self) -> None:
        """Count one command.

        Raises:
            Unavailable: the line has more than `_MOST_COMMANDS` commands, including those of shell files that start each other.
        """
        self.commands_left[0] -= 1
        if self.commands_left[0] < 0:
            hint = "pass only the command that starts the training"
            raise Unavailable(f"the command line has more than {_MOST_COMMANDS} commands", hint=hint)

    def resolved(self, name: str) -> Path | None:
        """The path that `name` means in this folder; None when the folder is not known."""
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            return None
        return path if path.is_absolute() else self.cwd / path if self.cwd is not None else None

    def change_folder(self, words: list[Word]) -> None:
        """Apply `cd` or `pushd`; the folder becomes unknown where its target is."""
        target = next((word for word in words[1:] if not word.text.startswith("-") or word.text == "-"), None)
        if target is None or target.text == "-" or target.unknown:
            self.cwd, self.why = None, target.unknown if target and target.unknown else "`cd` goes to another folder"
            return
        folder = self.resolved(target.text) if len(target.text) < _LONGEST_PATH else None
        if folder is not None and len(str(folder)) < _LONGEST_PATH:
            self.cwd = Path(os.path.normpath(folder))
        else:
            self.cwd, self.why = None, self.why or f"`cd {masked(target.text, 60)}` cannot be resolved"

    def export(self, words: list[Word]) -> None:
        """Apply `export NAME=value NAME`."""
        for word in words:
            pair = word.before("=")
            if pair:
                self.variables[pair[0]] = self.environ[pair[0]] = pair[1]
            elif word.text in self.variables:
                self.environ[word.text] = self.variables[word.text]

    def set_aliases(self, words: list[Word]) -> None:
        """Apply `alias NAME='text'`: a shell that expands aliases (the client's does) replaces the name from the next line on."""
        for word in words:
            pair = word.before("=")
            if pair and not pair[1].unknown:
                self.aliases[pair[0]] = pair[1].text

    def unaliased(self, words: list[Word]) -> str | None:
        """The text that the shell reads in place of `words` when the first one is an alias; None otherwise."""
        text = self.aliases.get(words[0].text)
        rest = (word.text if word.unknown else shlex.quote(word.text) for word in words[1:])
        return None if text is None else " ".join([text, *rest])

    def record_writes(self, command: Command, words: list[Word]) -> None:
        """Record the files that redirects and `tee` write, with their text where a heredoc gives it."""
        name = program(words[0])
        heredoc = next((redirect for redirect in command.redirects if redirect.body is not None), None)
        outputs = [redirect for redirect in command.redirects if redirect.operator in (">", ">>", ">|", "&>")]
        targets = [expanded(redirect.target, self.variables) for redirect in outputs]
        if name == "tee":
            targets += [word for word in words[1:] if not word.text.startswith("-")]
        appends = any(redirect.operator == ">>" for redirect in outputs)
        for target in targets:
            path = self.resolved(target.text) if not target.unknown else None
            if path is None:
                continue
            if heredoc is not None and heredoc.body is not None and name in ("cat", "tee") and not appends:
                self.written[str(path)] = _heredoc(heredoc.body, heredoc.expands)
            else:
                self.written[str(path)] = Written(None, f"what `{masked(name, 40)}` writes to {masked(target.text)}")

    def stdin_of(self, command: Command, previous: list[Word]) -> Written | None:
        """The command's standard input: a heredoc, a file, or the output of the piped command with the words `previous`."""
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
        return Written(None, "the shell replaces $… in the heredoc: quote its delimiter, <<'EOF'")
    return Written(text.replace("\\$", "$").replace("\\\\", "\\") if expands else text)
