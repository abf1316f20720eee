"""The launches in a command line: each simple command is read where it stands, with what the commands before it set up."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.errors import BadData, Unavailable
from ml_intern_helpers.preflight.launch.inside import inside_place, merged
from ml_intern_helpers.preflight.launch.launch import Fault, Launch, Place, Target, Written
from ml_intern_helpers.preflight.launch.programs import DEEPEST, launches_by
from ml_intern_helpers.preflight.launch.reading import PYTHON, SHELL, text_of_file
from ml_intern_helpers.preflight.launch.shell import Command, commands_of, expanded, substitutions, words_of
from ml_intern_helpers.preflight.launch.targets import exists, missing
from ml_intern_helpers.preflight.launch.words import TOKEN, Word, hushed, masked, quoted, texts
from ml_intern_helpers.preflight.launch.wrappers import program, unwrapped

MAX_CHARACTERS = 128 * 1024
#: Launches judged in one line; a generated line of thousands would take minutes.
MOST = 20
_MOST_COMMANDS = 3000
#: A longer path is none that a system takes.
_LONGEST_PATH = 4096
_MAKERS = frozenset(
    {"git", "wget", "curl", "cp", "mv", "rsync", "scp", "unzip", "tar", "hf", "huggingface-cli", "gh", "make", "jupyter", "sed"}
)
_MAKING = {"git": {"clone", "checkout", "pull", "switch", "restore"}, "hf": {"download", "sync", "cp", "buckets"}}


def launches_of(text: str, cwd: Path) -> list[Launch]:
    """Every launch in `text`, in the order in which they start.

    Raises:
        BadData: the shell itself could not read it.
        Unavailable: it is too long.
    """
    if "\0" in text:
        raise BadData("the command line holds a null byte", hint="give it as you would type it")
    if len(text) > MAX_CHARACTERS:
        raise Unavailable(f"the command line is longer than {MAX_CHARACTERS // 1024} KiB", hint="put what is long into a file")
    found = list(_Walk(Place(cwd)).walk(text))[: MOST + 1]
    for number, launch in enumerate(found, start=1):
        launch.number, launch.of = number, len(found)
    return found


class _Walk:
    """Reads commands one after the other; `cd`, assignments and written files change the place for those that follow."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.saved: list[Place] = []
        self.before: tuple[Command, list[Word]] | None = None
        self.count = 0

    def walk(self, text: str) -> Iterator[Launch]:
        for number, command in enumerate(commands_of(text)):
            if self.count > MOST:
                return
            if number > _MOST_COMMANDS:
                raise Unavailable(f"more than {_MOST_COMMANDS} commands in one line", hint="give the launch by itself")
            if command.opens:
                self.saved.append(replace(self.place, variables=dict(self.place.variables), environ=dict(self.place.environ)))
            elif command.closes:
                self.place = self.saved.pop() if self.saved else self.place
            else:
                yield from self._command(command)

    def _command(self, command: Command) -> Iterator[Launch]:
        for text in substitutions(command):
            yield from self._deeper(text, self.place)
        words = words_of(command, self.place.variables)
        assigned = {name: expanded(raw, self.place.variables) for name, raw in command.assigns}
        if not words:
            self.place.variables |= assigned
        else:
            for launch in self._read(command, words, assigned):
                self.count += 1
                yield launch
            self._effects(command, words)
        self.before = (command, words)

    def _deeper(self, text: str, place: Place) -> Iterator[Launch]:
        if place.depth >= DEEPEST:
            yield Launch(masked(text), "bash -c", "local", Target("unknown", reason="it is nested too deeply"))
            return
        inner = replace(place, variables=dict(place.variables), environ=dict(place.environ), depth=place.depth + 1)
        yield from _Walk(inner).walk(text)

    def _read(self, command: Command, words: list[Word], assigned: dict[str, Word]) -> Iterator[Launch]:
        bare = unwrapped(words)
        place = replace(self.place, environ={**self.place.environ, **assigned, **bare.environ}, stdin=self._stdin(command))
        if bare.chdir is not None:
            place = replace(place, cwd=place.resolved(bare.chdir.text) if not bare.chdir.unknown else None)
        shown = masked(" ".join([*(f"{name}=…" for name in list(assigned)[:5]), quoted(hushed(_shown(words[:60])))]), 200)
        if bare.shell is not None:
            yield from self._shell_text(bare.shell, place, shown)
        elif bare.shell_file is not None:
            yield from self._shell_file(bare.shell_file, place, shown, bare.sourced)
        elif bare.words:
            for launch in launches_by(bare.words, shown, place):
                _finish(launch, words, assigned, bare.limit, command)
                yield from self._with_inside(launch, place)

    def _with_inside(self, launch: Launch, place: Place) -> Iterator[Launch]:
        """A job whose command starts the training: one launch per thing started in the container."""
        inner: list[Launch] = []
        if launch.target.kind == "command" and launch.args and place.depth < DEEPEST:
            inner = list(_Walk(inside_place(launch, place))._read(Command(), launch.args, {}))
        if not inner:
            yield launch
        for number, one in enumerate(inner):
            yield merged(launch, one, first=number == 0)

    def _shell_text(self, text: Word, place: Place, shown: str) -> Iterator[Launch]:
        if text.unknown and text.known < 3:
            return
        try:
            yield from self._deeper(text.text, replace(place, variables={**place.variables, **place.environ}))
        except BadData as err:
            launch = Launch(shown, "bash -c", "local", Target("unknown", reason=err.message))
            launch.faults.append(
                Fault("LAUNCH106", f"the text for the shell cannot be read: {err.message}", "correct its quotes", shown)
            )
            yield launch

    def _shell_file(self, file: Word, place: Place, shown: str, sourced: bool) -> Iterator[Launch]:
        """`bash run.sh`: the launches inside; one that is not known when the file cannot be read."""
        path = place.resolved(file.text) if not file.unknown else None
        written = place.written.get(str(path))
        text = written.text if written else text_of_file(path, SHELL)
        try:
            yield from self._deeper(text or "", place)
        except BadData:  # not the language of this shell
            text = None
        if text is None and not sourced:  # what is sourced only sets up (`source venv/bin/activate`)
            faults = [] if file.unknown or path is None or exists(file.text, place) or place.makes else [missing(file.text, path)]
            reason = f"what {masked(file.text, 60)} starts (read is only what ends in .sh)"
            yield Launch(shown, "bash", "local", Target("unknown", masked(file.text), reason=reason), faults=faults)

    def _stdin(self, command: Command) -> Written | None:
        for redirect in reversed(command.redirects):
            if redirect.body is not None:
                return _body(redirect.body, redirect.expands)
            if redirect.operator == "<":
                return self._content(expanded(redirect.target, self.place.variables))
        if command.before in ("|", "|&") and self.before is not None:
            words = self.before[1]
            if words and program(words[0]) == "cat" and len(words) == 2:
                return self._content(words[1])
            return Written(None, "what is piped into it")
        return None

    def _content(self, word: Word) -> Written:
        path = self.place.resolved(word.text) if not word.unknown else None
        if path is not None and str(path) in self.place.written:
            return self.place.written[str(path)]
        text = text_of_file(path, PYTHON)
        return Written(text, "" if text is not None else word.unknown or f"{masked(word.text)} cannot be read as a Python script")

    def _effects(self, command: Command, words: list[Word]) -> None:
        """What the command leaves behind for the next ones."""
        name = program(words[0])
        if name in ("cd", "pushd"):
            self._change_folder(words)
        elif name in ("export", "declare", "readonly"):
            self._export(words[1:])
        elif name in ("for", "read", "mapfile", "unset", "local"):
            for word in words[1:]:
                self.place.variables.pop(word.text, None)
        elif name in _MAKERS and (name not in _MAKING or any(text in _MAKING[name] for text in texts(words))):
            self.place.makes = masked(" ".join(texts(words)), 60)
        self._writes(command, words, name)

    def _change_folder(self, words: list[Word]) -> None:
        target = next((word for word in words[1:] if not word.text.startswith("-") or word.text == "-"), None)
        if target is None or target.text == "-" or target.unknown:
            self.place.cwd, self.place.why = None, target.unknown if target and target.unknown else "`cd` goes to another folder"
            return
        folder = self.place.resolved(target.text) if len(target.text) < _LONGEST_PATH else None
        self.place.cwd = Path(os.path.normpath(folder)) if folder is not None and len(str(folder)) < _LONGEST_PATH else None

    def _export(self, words: list[Word]) -> None:
        for word in words:
            pair = word.before("=")
            if pair:
                self.place.variables[pair[0]] = self.place.environ[pair[0]] = pair[1]
            elif word.text in self.place.variables:
                self.place.environ[word.text] = self.place.variables[word.text]

    def _writes(self, command: Command, words: list[Word], name: str) -> None:
        body = next((one for one in command.redirects if one.body is not None), None)
        targets = [
            expanded(one.target, self.place.variables) for one in command.redirects if one.operator in (">", ">>", ">|", "&>")
        ]
        if name == "tee":
            targets += [word for word in words[1:] if not word.text.startswith("-")]
        appends = any(one.operator == ">>" for one in command.redirects)
        for target in targets:
            path = self.place.resolved(target.text) if not target.unknown else None
            if path is not None:
                exact = body is not None and body.body is not None and name in ("cat", "tee") and not appends
                made = _body(body.body or "", body.expands) if exact and body else None
                self.place.written[str(path)] = made or Written(
                    None, f"what `{masked(name, 40)}` writes to {masked(target.text)}"
                )


def _body(text: str, expands: bool) -> Written:
    if expands and re.search(r"\$[A-Za-z_{(]|`", text):
        return Written(None, "the shell replaces $… in the heredoc: quote its end word, <<'EOF'")
    return Written(text.replace("\\$", "$").replace("\\\\", "\\") if expands else text)


def _shown(words: list[Word]) -> list[str]:
    return [word.text if len(word.text) < 200 else word.text[:60] + "…" for word in words]


def _finish(launch: Launch, words: list[Word], assigned: dict[str, Word], limit: str, command: Command) -> None:
    """What holds for every launcher: the tokens on the line, `timeout`, the background."""
    seen = [*words, *assigned.values()]
    if any(TOKEN.search(word.text) for word in seen):
        message = "a Hugging Face token stands on the command line: it stays in the shell's history and in process lists"
        fix = "revoke it at huggingface.co/settings/tokens; log in with `hf auth login`, pass --secrets HF_TOKEN to a job"
        launch.faults.append(Fault("LAUNCH109", message, fix))
    if limit:
        launch.notes.append(f"`timeout {masked(limit, 20)}` ends it after that time")
    if command.after == "&":
        launch.notes.append("runs in the background: watch its log")
