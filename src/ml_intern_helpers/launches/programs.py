"""Which launcher a program is, and the launches of one command without its wrappers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ml_intern_helpers.launches import hf_jobs, local_runs, python_words, trl_run, unseen_jobs
from ml_intern_helpers.launches.argparse_words import split
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.options_table import UV_RUN
from ml_intern_helpers.launches.parts import Fault, Target
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.words import Word, masked
from ml_intern_helpers.launches.wrappers import program

#: Programs that start programs that start programs; beyond this nobody does.
DEEPEST = 16
#: What starts a command of which nothing is known.
HIDDEN = "the shell"
_HIDES = re.compile(r"\$\{?[A-Za-z_@*]|\$\(\s*(?:cat\s|<)|`\s*cat\s")
_Read = Callable[[list[Word], str, Place], Iterator[Launch]]


def launches_by(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    """The launches of one unwrapped command; `shown` is how the report quotes it."""
    name = program(words[0])
    if place.depth > DEEPEST:
        return
    if name in _READERS:
        yield from _READERS[name](words, shown, place)
    elif python_words.NAME.fullmatch(name):
        yield from _python(words, shown, place)
    elif words[0].unknown and len(words) > 1 and words[1].text == "jobs":
        yield from _hf([Word("hf"), *words[1:]], shown, place)  # `$HF jobs uv run train.py`
    elif words[0].unknown and len(words) > 1 and words[1].text.endswith(".py"):
        yield from _one(local_runs.python(words[1:], shown, place))  # `$PYTHON train.py`
    elif name.endswith((".py", ".ipynb")) and "/" in words[0].text:
        yield from _one(local_runs.python(words, shown, place))
    elif all(word.unknown for word in words):
        yield from _one(hidden(words[0], shown, place))


def hidden(word: Word, shown: str, place: Place) -> Launch | None:
    """A command that as a whole only the shell knows: `$CMD`, `$(cat cmd)`, `eval "$CMD"`. None within files and other texts,
    where a variable mostly names one tool, and for what a program prints to be evaluated (`eval "$(ssh-agent)"`).
    """
    if place.depth or place.container or not _HIDES.match(word.text):
        return None
    return Launch(shown, HIDDEN, "local", Target("unknown", masked(word.text), reason=f"which command: {word.unknown}"))


def _one(launch: Launch | None) -> Iterator[Launch]:
    if launch is not None:
        yield launch


def _hf(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    found = hf_jobs.command_of(words)
    if found is None:
        yield from _one(unseen_jobs.by_hf(words, shown, place))
        return
    launch = hf_jobs.read(found[0], found[1], shown, place)
    name = program(words[0])
    if launch is not None and name != "hf":
        launch.faults.append(Fault("LAUNCH105", f"{name} is gone from huggingface_hub", "write hf", name))
    yield from _one(launch)


def _request(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    yield from _one(unseen_jobs.by_request(program(words[0]), words, shown, place))


def _accelerate(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    if len(words) > 1 and words[1].text == "launch":
        yield local_runs.distributed("accelerate launch", words[2:], shown, place)


def _distributed(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    yield local_runs.distributed(program(words[0]), words[1:], shown, place)


def _trl(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    launch = trl_run.read(words[1:], shown, place)
    if launch is None and len(words) > 1 and words[1].unknown:
        launch = Launch(shown, "trl", "local", Target("unknown", reason=f"which command: {words[1].unknown}"), distributed=True)
    yield from _one(launch)


def _uv(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    launch, packages, rest = local_runs.uv(words[1:], shown, place)
    if launch is not None:
        yield launch
        return
    for inner in launches_by(rest, shown, replace(place, depth=place.depth + 1)) if rest else ():
        inner.packages = [*packages, *inner.packages]
        inner.launcher = f"uv run {inner.launcher}"
        yield inner


def _uvx(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    """`uvx --from huggingface_hub hf jobs …` is `hf jobs …`."""
    after = words[2:] if len(words) > 1 and words[1].text == "run" else words[1:]  # `pipx run`
    rest = split(after, {**UV_RUN, "--from": True, "--spec": True}).rest
    if rest:
        tool = rest[0]._replace(text=rest[0].text.partition("@")[0])
        yield from launches_by([tool, *rest[1:]], shown, replace(place, depth=place.depth + 1))


def _own(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    """`scripts/launch --env training FILE`, this plugin's own."""
    if len(words) > 2 and words[1].text == "--env":
        for launch in _one(local_runs.python(words[3:], shown, place)):
            launch.launcher = f"scripts/launch --env {masked(words[2].text, 20)}"
            yield launch


def _python(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    """`python -m torch.distributed.run` and the like are their launchers; all else is python's own."""
    found = python_words.front(words[1:])
    module = found.word.text if found.kind == "module" else ""
    if module in _MODULES:
        yield from _READERS[_MODULES[module]]([Word(_MODULES[module]), *found.args], shown, place)
    elif module == "accelerate.commands.launch":
        yield local_runs.distributed("accelerate launch", found.args, shown, place)
    else:
        yield from _one(local_runs.python(words[1:], shown, place))


_READERS: dict[str, _Read] = {
    "hf": _hf,
    "huggingface-cli": _hf,
    "accelerate": _accelerate,
    "torchrun": _distributed,
    "deepspeed": _distributed,
    "trl": _trl,
    "uv": _uv,
    "uvx": _uvx,
    "pipx": _uvx,
    "launch": _own,
    "curl": _request,
    "wget": _request,
    "http": _request,
}
#: `python -m NAME` -> the program it is.
_MODULES = {
    "torch.distributed.run": "torchrun",
    "torch.distributed.launch": "torchrun",
    "accelerate.commands.accelerate_cli": "accelerate",
    "accelerate": "accelerate",
    "trl": "trl",
    "trl.cli": "trl",
    "trl.cli.main": "trl",
    "huggingface_hub.cli.hf": "hf",
}
