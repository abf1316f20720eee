"""Selects the launcher for a program and returns the launches of one unwrapped command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ml_intern_helpers.launches import hf_jobs, local_launchers
from ml_intern_helpers.launches.launch import Launch, Target
from ml_intern_helpers.launches.launcher_options import leading_options, tables
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.words import Word, masked, program

#: The deepest nesting of programs that start programs.
DEEPEST = 16
#: The launcher named for a command that is unknown as a whole.
HIDDEN = "the shell"
_HIDES = re.compile(r"\$\{?[A-Za-z_@*]|\$\(\s*(?:cat\s|<)|`\s*cat\s")
_Launches = Iterator[Launch | None]


def launches_by(words: list[Word], shown: str, place: Place) -> Iterator[Launch]:
    """The launches of one unwrapped command; `shown` is how the report quotes it."""
    if place.depth <= DEEPEST:
        yield from (launch for launch in _launches(words, shown, place) if launch is not None)


def _launches(words: list[Word], shown: str, place: Place) -> _Launches:
    name = program(words[0])
    second = words[1].text if len(words) > 1 else ""
    if name in _READERS:
        yield from _READERS[name](words, shown, place)
    elif local_launchers.PYTHON_NAME.fullmatch(name):
        yield from _python(words, shown, place)
    elif words[0].unknown and second == "jobs":
        yield from _hf([Word("hf"), *words[1:]], shown, place)  # `$HF jobs uv run train.py`
    elif words[0].unknown and second.endswith(".py"):
        yield local_launchers.python(words[1:], shown, place)  # `$PYTHON train.py`
    elif name.endswith((".py", ".ipynb")) and "/" in words[0].text:
        yield local_launchers.python(words, shown, place)
    elif all(word.unknown for word in words):
        yield hidden(words[0], shown, place)


def hidden(word: Word, shown: str, place: Place) -> Launch | None:
    """The launch by a command that is only known at run time: `$CMD`, `$(cat cmd)`, `eval "$CMD"`.

    None inside files and other texts, where a variable usually names one tool, and for program output that is evaluated
    (`eval "$(ssh-agent)"`).
    """
    if place.depth or place.container or not _HIDES.match(word.text):
        return None
    return Launch(shown, HIDDEN, "local", Target("unknown", masked(word.text), reason=f"which command: {word.unknown}"))


def _hf(words: list[Word], shown: str, place: Place) -> _Launches:
    yield hf_jobs.launch_of_hf(words, shown, place)


def _request(words: list[Word], shown: str, place: Place) -> _Launches:
    yield hf_jobs.launch_of_request(program(words[0]), words, shown, place)


def _accelerate(words: list[Word], shown: str, place: Place) -> _Launches:
    if len(words) > 1 and words[1].text == "launch":
        yield local_launchers.distributed("accelerate launch", words[2:], shown, place)


def _distributed(words: list[Word], shown: str, place: Place) -> _Launches:
    yield local_launchers.distributed(program(words[0]), words[1:], shown, place)


def _trl(words: list[Word], shown: str, place: Place) -> _Launches:
    launch = local_launchers.trl(words[1:], shown, place)
    if launch is None and len(words) > 1 and words[1].unknown:
        launch = Launch(shown, "trl", "local", Target("unknown", reason=f"which command: {words[1].unknown}"), distributed=True)
    yield launch


def _uv(words: list[Word], shown: str, place: Place) -> _Launches:
    launch, packages, rest = local_launchers.uv(words[1:], shown, place)
    if launch is not None:
        yield launch
        return
    for inner in launches_by(rest, shown, replace(place, depth=place.depth + 1)) if rest else ():
        inner.packages = [*packages, *inner.packages]
        inner.launcher = f"uv run {inner.launcher}"
        yield inner


def _uvx(words: list[Word], shown: str, place: Place) -> _Launches:
    """`uvx --from huggingface_hub hf jobs …` is `hf jobs …`."""
    after = words[2:] if len(words) > 1 and words[1].text == "run" else words[1:]  # `pipx run`
    rest = leading_options(after, {**tables().uv_run, "--from": True, "--spec": True}).rest
    if rest:
        tool = rest[0]._replace(text=rest[0].text.partition("@")[0])
        yield from launches_by([tool, *rest[1:]], shown, replace(place, depth=place.depth + 1))


def _own(words: list[Word], shown: str, place: Place) -> _Launches:
    """This plugin's own launcher: `scripts/launch --env training FILE`."""
    if len(words) > 2 and words[1].text == "--env":
        launch = local_launchers.python(words[3:], shown, place)
        if launch is not None:
            launch.launcher = f"scripts/launch --env {masked(words[2].text, 20)}"
        yield launch


def _python(words: list[Word], shown: str, place: Place) -> _Launches:
    """`python -m torch.distributed.run` and the like are read by their own launchers; the rest as `python`."""
    kind, word, args = local_launchers.python_words(words[1:])
    module = word.text if kind == "module" else ""
    if module in _MODULES:
        yield from _READERS[_MODULES[module]]([Word(_MODULES[module]), *args], shown, place)
    elif module == "accelerate.commands.launch":
        yield local_launchers.distributed("accelerate launch", args, shown, place)
    else:
        yield local_launchers.python(words[1:], shown, place)


_READERS: dict[str, Callable[[list[Word], str, Place], _Launches]] = {
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
