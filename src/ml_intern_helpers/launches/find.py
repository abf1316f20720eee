"""The launches in a command line: each simple command is read where it stands, with what the commands before it set up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.launches import effects, make_targets
from ml_intern_helpers.launches.inside import inside_place, merged
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.named_config import named_config
from ml_intern_helpers.launches.parts import Fault, Target
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.programs import DEEPEST, hidden, launches_by
from ml_intern_helpers.launches.python_starts import starts_in
from ml_intern_helpers.launches.reading import PYTHON, SHELL, text_of_file
from ml_intern_helpers.launches.shell import Command, commands_of, expanded, substitutions, words_of
from ml_intern_helpers.launches.targets import exists, missing
from ml_intern_helpers.launches.words import TOKEN, Word, hushed, masked, quoted, texts
from ml_intern_helpers.launches.wrappers import SHELLS, program, unwrapped

MAX_CHARACTERS = 128 * 1024
#: Launches judged in one line; a generated line of thousands would take minutes.
MOST = 20
#: Why a shell within shells within shells was not read.
TOO_DEEP = "it is nested too deeply"
_MAKE = frozenset({"make", "gmake"})
#: Programs that hold others: `make`, and those that start them in a container (see `containers`).
_HOLDING = _MAKE | {"docker", "podman", "nerdctl", "apptainer", "singularity", "enroot"}
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
        self.before: list[Word] = []
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
        self._loop_ends(command)
        words = words_of(command, self.place.variables)
        assigned = {name: expanded(raw, self.place.variables) for name, raw in command.assigns}
        if not words:
            self.place.variables |= assigned
        else:
            for launch in self._aliased(words) or self._read(command, words, assigned):
                self.count += 1
                launch.notes += self._loop_note()
                yield launch
            self._effects(command, words)
        self.before = words

    def _aliased(self, words: list[Word]) -> list[Launch]:
        text = effects.unaliased(self.place, words)
        others = {name: value for name, value in self.place.aliases.items() if name != words[0].text}
        return list(self._deeper(text, replace(self.place, aliases=others))) if text is not None else []

    def _deeper(self, text: str, place: Place) -> Iterator[Launch]:
        if place.depth >= DEEPEST:
            yield Launch(masked(text), "bash -c", "local", Target("unknown", reason=TOO_DEEP))
            return
        inner = replace(place, variables=dict(place.variables), environ=dict(place.environ), depth=place.depth + 1)
        yield from _Walk(inner).walk(text)

    def _read(self, command: Command, words: list[Word], assigned: dict[str, Word]) -> Iterator[Launch]:
        bare = unwrapped(words)
        place = replace(
            self.place,
            environ={**self.place.environ, **assigned, **bare.environ},
            stdin=effects.stdin_of(self.place, command, self.before),
        )
        if bare.chdir is not None:
            place = replace(place, cwd=place.resolved(bare.chdir.text) if not bare.chdir.unknown else None)
        shown = masked(" ".join([*(f"{name}=…" for name in list(assigned)[:5]), quoted(hushed(_shown(words[:60])))]), 200)
        if bare.shell is not None:
            yield from self._shell_text(bare.shell, place, shown)
        elif bare.shell_file is not None:
            yield from self._shell_file(bare.shell_file, place, shown, bare.sourced)
        elif bare.words and program(bare.words[0]) in SHELLS:
            yield from self._deeper(place.stdin.text or "" if place.stdin else "", place)
        elif bare.words and program(bare.words[0]) in _HOLDING:
            yield from self._held(bare.words, place)
        elif bare.words:
            for launch in launches_by(bare.words, shown, place):
                _finish(launch, words, assigned, bare.limit, command)
                launch.config = named_config(launch.args, place)
                yield from self._with_inside(launch, place)
                yield from self._started(launch, place)

    def _held(self, words: list[Word], place: Place) -> Iterator[Launch]:
        """What the recipes of make's targets start, in the Makefile's folder; what is started in a container of this machine."""
        if program(words[0]) in _MAKE:
            made = make_targets.recipes(words[1:], place)
            if made is not None:
                yield from self._deeper(made.text, replace(place, cwd=made.folder))
            return
        from ml_intern_helpers.launches.containers import contained

        found = contained(words, place)
        if found is not None and found.place.depth <= DEEPEST:
            for launch in _Walk(found.place)._read(Command(), found.words, {}):
                launch.launcher = f"{found.launcher}: {launch.launcher}"
                yield launch

    def _started(self, launch: Launch, place: Place) -> Iterator[Launch]:
        """What a Python script starts in its turn: jobs through huggingface_hub, commands through subprocess."""
        text = launch.target.text if launch.target.kind == "text" else text_of_file(launch.target.path, PYTHON)
        if text and launch.target.kind in ("file", "text") and not launch.dry and place.depth < DEEPEST:
            for line in starts_in(text):
                for inner in self._deeper(line, replace(place, stdin=None)):
                    inner.launcher = f"{launch.launcher}: {inner.launcher}"
                    yield inner

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
            launch = hidden(text, shown, place)
            yield from [launch] if launch is not None else []
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

    def _effects(self, command: Command, words: list[Word]) -> None:
        """What the command leaves behind for the next ones."""
        name = program(words[0])
        if name in ("cd", "pushd"):
            effects.change_folder(self.place, words)
        elif name in ("export", "declare", "readonly"):
            effects.export(self.place, words[1:])
        elif name == "alias":
            effects.alias(self.place, words[1:])
        elif name == "for":
            self._loop_begins(words)
        elif name in ("read", "mapfile", "unset", "local"):
            for word in words[1:]:
                self.place.variables.pop(word.text, None)
        elif name in _MAKERS and (name not in _MAKING or any(text in _MAKING[name] for text in texts(words))):
            self.place.makes = masked(" ".join(texts(words)), 60)
        effects.writes(self.place, command, words, name)

    def _loop_begins(self, words: list[Word]) -> None:
        """`for x in a b`: `$x` is one word, whichever; how often is known when the words are."""
        values, name = words[3:], words[1].text if len(words) > 1 else ""
        known = (
            len(words) > 3 and words[2].text == "in" and not any(word.unknown or set(word.text) & set("*?{") for word in values)
        )
        self.place.variables[name] = Word(f"${name}", f"`${name}` changes in the loop", 0, splits=not known)
        self.loops.append(len(values) if known else None)

    def _loop_ends(self, command: Command) -> None:
        for keyword in command.keywords:
            if keyword in ("while", "until"):
                self.loops.append(None)
            elif keyword == "done" and self.loops:
                self.loops.pop()

    def _loop_note(self) -> list[str]:
        if not self.loops:
            return []
        times = math.prod(count or 0 for count in self.loops)
        return [f"in a loop: started {times or 'an unknown number of'} times, each at that price"]


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
