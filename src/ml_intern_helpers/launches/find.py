"""Finds the launches in a command line: every simple command is read in the state that the commands before it leave."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.launches import containers
from ml_intern_helpers.launches.launch import Launch, Problem, Target
from ml_intern_helpers.launches.make_targets import recipes
from ml_intern_helpers.launches.parser_options import named_config
from ml_intern_helpers.launches.place import PYTHON, SHELL, Place, text_of_file
from ml_intern_helpers.launches.programs import DEEPEST, hidden, launches_by
from ml_intern_helpers.launches.python_starts import starts_in
from ml_intern_helpers.launches.shell import Command, commands_of, expanded, substitutions, words_of
from ml_intern_helpers.launches.targets import exists, missing_file
from ml_intern_helpers.launches.words import TOKEN, Word, masked, program, quoted, redacted, texts
from ml_intern_helpers.launches.wrappers import SHELLS, unwrapped

_MAX_CHARACTERS = 128 * 1024
#: The most launches that are checked in one line; a generated line with thousands would take minutes.
MOST = 20
#: The reason given for a shell that is nested too deeply to be read.
TOO_DEEP = "it is nested too deeply"
_MAKE = frozenset({"make", "gmake"})
_INDIRECT_STARTERS = _MAKE | containers.PROGRAMS
#: Programs that may create files not named on the line; for those in _CREATING, only these commands do.
_FILE_CREATORS = frozenset(
    {"git", "wget", "curl", "cp", "mv", "rsync", "scp", "unzip", "tar", "hf", "huggingface-cli", "gh", "make", "jupyter", "sed"}
)
_CREATING = {"git": {"clone", "checkout", "pull", "switch", "restore"}, "hf": {"download", "sync", "cp", "buckets"}}


def launches_of(text: str, cwd: Path) -> list[Launch]:
    """Every launch in `text`, in the order in which they start.

    Raises:
        BadData: the line is not valid shell syntax.
        Unavailable: the line is too long.
    """
    if "\0" in text:
        raise BadData("the command line contains a null byte", hint="remove it")
    if len(text) > _MAX_CHARACTERS:
        raise Unavailable(
            f"the command line is longer than {_MAX_CHARACTERS // 1024} KiB", hint="move its long parts into a file"
        )
    launches = list(_Walk(Place(cwd)).walk(text))[: MOST + 1]
    for number, launch in enumerate(launches, start=1):
        launch.number, launch.of = number, len(launches)
    return launches


class _Walk:
    """Reads commands in order; `cd`, assignments and written files change the place in which the following ones are read.

    Attributes:
        place: the state in which the next command runs.
        saved: the states to return to when the open subshells end, outermost first.
        previous: the words of the previous command.
        count: how many launches were found so far.
        loops: how often each loop around the next command runs; None where that is not known.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.saved: list[Place] = []
        self.previous: list[Word] = []
        self.count = 0
        self.loops: list[int | None] = []

    def walk(self, text: str) -> Iterator[Launch]:
        for command in commands_of(text):
            if self.count > MOST:
                return
            self.place.spend()
            if command.opens:
                self.saved.append(replace(self.place, variables=dict(self.place.variables), environ=dict(self.place.environ)))
            elif command.closes:
                self.place = self.saved.pop() if self.saved else self.place
            else:
                yield from self._command(command)

    def _command(self, command: Command) -> Iterator[Launch]:
        for text in substitutions(command):
            yield from self._deeper(text, self.place)
        for keyword in command.keywords:
            if keyword in ("while", "until"):
                self.loops.append(None)
            elif keyword == "done" and self.loops:
                self.loops.pop()
        words = words_of(command, self.place.variables)
        assigned = {name: expanded(raw, self.place.variables) for name, raw in command.assigns}
        if not words:
            self.place.variables |= assigned
        else:
            for launch in self._aliased(words) or self._read(command, words, assigned):
                self.count += 1
                if self.loops:
                    times = None if None in self.loops else math.prod(count or 0 for count in self.loops)
                    launch.repeats = None if times is None or launch.repeats is None else times * launch.repeats
                    launch.notes.append(f"in a loop: started {times or 'an unknown number of'} times, each at that price")
                yield launch
            self._apply_effects(command, words)
        self.previous = words

    def _aliased(self, words: list[Word]) -> list[Launch]:
        text = self.place.unaliased(words)
        others = {name: value for name, value in self.place.aliases.items() if name != words[0].text}
        return list(self._deeper(text, replace(self.place, aliases=others))) if text is not None else []

    def _deeper(self, text: str, place: Place) -> Iterator[Launch]:
        if place.depth >= DEEPEST:
            yield Launch(masked(text), "bash -c", "local", Target("unknown", reason=TOO_DEEP))
            return
        inner = replace(place, variables=dict(place.variables), environ=dict(place.environ), depth=place.depth + 1)
        yield from _Walk(inner).walk(text)

    def _read(self, command: Command, words: list[Word], assigned: dict[str, Word]) -> Iterator[Launch]:
        """The launches of one command, after its wrappers are removed."""
        bare = unwrapped(words)
        name = program(bare.words[0]) if bare.words else ""
        place = replace(
            self.place,
            environ={**self.place.environ, **assigned, **bare.environ},
            stdin=self.place.stdin_of(command, self.previous),
        )
        if bare.chdir is not None:
            folder = place.resolved(bare.chdir.text) if not bare.chdir.unknown else None
            unresolved = bare.chdir.unknown or place.why or f"`{masked(bare.chdir.text, 60)}` cannot be resolved"
            place = replace(place, cwd=folder, why="" if folder is not None else unresolved)
        shortened = [word.text if len(word.text) < 200 else word.text[:60] + "…" for word in words[:60]]
        shown = masked(" ".join([*(f"{name}=…" for name in list(assigned)[:5]), quoted(redacted(shortened))]), 200)
        if bare.shell is not None:
            yield from self._shell_text(bare.shell, place, shown)
        elif bare.shell_file is not None:
            yield from self._shell_file(bare.shell_file, place, shown, bare.sourced)
        elif name in SHELLS:
            yield from self._deeper(place.stdin.text or "" if place.stdin else "", place)
        elif name in _INDIRECT_STARTERS:
            yield from self._started_indirectly(bare.words, place)
        elif bare.words:
            for launch in launches_by(bare.words, shown, place):
                if any(TOKEN.search(word.text) for word in (*words, *assigned.values())):
                    launch.problems.append(_TOKEN_ON_LINE)
                launch.notes += [f"`timeout {masked(bare.limit, 20)}` ends it after that time"] if bare.limit else []
                launch.notes += ["runs in the background: watch its log"] if command.after == "&" else []
                launch.config = named_config(launch.args, place)
                yield from self._with_job_command(launch, place)
                yield from self._started_by_script(launch, place)

    def _started_indirectly(self, words: list[Word], place: Place) -> Iterator[Launch]:
        """The launches in the recipes of make's targets, or in a container that this machine starts."""
        if program(words[0]) in _MAKE:
            recipe = recipes(words[1:], place)
            if recipe is not None:
                yield from self._deeper(recipe.text, replace(place, cwd=recipe.folder))
            return
        inner = containers.contained(words, place)
        if inner is not None and inner.place.depth <= DEEPEST:
            for launch in _Walk(inner.place)._read(Command(), inner.words, {}):
                launch.launcher = f"{inner.launcher}: {launch.launcher}"
                yield launch

    def _with_job_command(self, launch: Launch, place: Place) -> Iterator[Launch]:
        """The launch itself, or, for a job whose command starts the training, one launch per program started in the container."""
        inner: list[Launch] = []
        if launch.target.kind == "command" and launch.args and place.depth < DEEPEST:
            inner = list(_Walk(containers.job_place(launch, place))._read(Command(), launch.args, {}))
        if not inner:
            yield launch
        for number, started in enumerate(inner):
            yield containers.job_with_command(launch, started, first=number == 0)

    def _started_by_script(self, launch: Launch, place: Place) -> Iterator[Launch]:
        """The launches inside a Python script: jobs through huggingface_hub, commands through subprocess."""
        text = launch.target.text if launch.target.kind == "text" else text_of_file(launch.target.path, PYTHON)
        if text and launch.target.kind in ("file", "text") and not launch.dry and place.depth < DEEPEST:
            for line in starts_in(text):
                for inner in self._deeper(line, replace(place, stdin=None)):
                    inner.launcher = f"{launch.launcher}: {inner.launcher}"
                    yield inner

    def _shell_text(self, text: Word, place: Place, shown: str) -> Iterator[Launch]:
        if text.unknown and text.known < 3:
            launch = hidden(text, shown, place)
            yield from [launch] if launch is not None else []
            return
        try:
            yield from self._deeper(text.text, replace(place, variables={**place.variables, **place.environ}))
        except BadData as err:
            launch = Launch(shown, "bash -c", "local", Target("unknown", reason=err.message))
            message = f"the text for the shell cannot be read: {err.message}"
            launch.problems.append(Problem("refused-command", message, "correct its quotes", shown))
            yield launch

    def _shell_file(self, file: Word, place: Place, shown: str, sourced: bool) -> Iterator[Launch]:
        """The launches inside a shell file (`bash run.sh`); one with an unknown target when the file cannot be read."""
        path = place.resolved(file.text) if not file.unknown else None
        written = place.written.get(str(path))
        text = written.text if written else text_of_file(path, SHELL)
        try:
            yield from self._deeper(text or "", place)
        except BadData:  # not in bash syntax
            text = None
        if text is None and not sourced:  # a sourced file only sets up the environment (`source venv/bin/activate`)
            reason = f"what {masked(file.text, 60)} starts (only files that end in .sh are read)"
            launch = Launch(shown, "bash", "local", Target("unknown", masked(file.text), reason=reason))
            if path is not None and not exists(file.text, place) and not place.file_creator:
                launch.problems.append(missing_file(file.text, path))
            yield launch

    def _apply_effects(self, command: Command, words: list[Word]) -> None:
        """Change the place by what the command does to the ones after it."""
        name = program(words[0])
        if name in ("cd", "pushd"):
            self.place.change_folder(words)
        elif name in ("export", "declare", "readonly"):
            self.place.export(words[1:])
        elif name == "alias":
            self.place.set_aliases(words[1:])
        elif name == "for":
            # `for x in a b`: `$x` is one of the words; the loop count is known when all words are.
            values, variable = words[3:], words[1].text if len(words) > 1 else ""
            listed = len(words) > 3 and words[2].text == "in"
            known = listed and not any(word.unknown or set(word.text) & set("*?{") for word in values)
            self.place.variables[variable] = Word(f"${variable}", f"`${variable}` changes in the loop", 0, splits=not known)
            self.loops.append(len(values) if known else None)
        elif name in ("read", "mapfile", "unset", "local"):
            for word in words[1:]:
                self.place.variables.pop(word.text, None)
        elif name in _FILE_CREATORS and (name not in _CREATING or any(text in _CREATING[name] for text in texts(words))):
            self.place.file_creator = masked(" ".join(texts(words)), 60)
        self.place.record_writes(command, words)


_TOKEN_ON_LINE = Problem(
    "token-on-command-line",
    "there is a Hugging Face token on the command line: shell history and process lists expose it",
    "revoke it at huggingface.co/settings/tokens; log in with `hf auth login`, and pass --secrets HF_TOKEN to a job",
)
