"""Command lines against the real parsers of hf, trl, trackio and accelerate; imported by probe.py in the training environment."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
from collections import Counter
from collections.abc import Callable
from unittest import mock

import click

#: A number and one unit, as `hf jobs run --timeout` reads it.
TIMEOUT = re.compile(r"\d+(\.\d+)?[smhd]?")
LAUNCHERS = (["jobs", "run"], ["jobs", "uv", "run"], ["jobs", "scheduled", "run"], ["jobs", "scheduled", "uv", "run"])


class _Parsed(Exception):
    """A parser was content; carries what it made."""


def faults(words: list[str], checked: Counter[str]) -> list[str]:
    """What the real parser says against `words`; environment prefixes are taken off, unknown programs pass.

    A bare mention (`hf jobs run`, no option and no argument) has only to exist.
    """
    mention = not any(word.startswith("-") for word in words)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    judge = JUDGES.get(words[0]) if words else None
    if judge is None:
        return []
    checked[words[0]] += 1
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        try:
            return judge(words[1:])
        except click.MissingParameter as err:
            return [] if mention else [f"{' '.join(words)}: {err}"]
        except (click.ClickException, SystemExit) as err:
            if mention and "the following arguments are required" in said.getvalue():
                return []
            return [f"{' '.join(words)}: {err} {said.getvalue()[-300:]}"]


def _hf(words: list[str]) -> list[str]:
    context = _parsed_by_hf(words)
    launcher = next((path for path in LAUNCHERS if words[: len(path)] == path), None)
    return [] if launcher in (None, words) or context is None else _launch(context, words[len(launcher or []) :])


def _parsed_by_hf(words: list[str]) -> click.Context | None:
    """The leaf's context as the real program makes it, stopped where the command itself would start; None: it showed its help."""
    from huggingface_hub.cli.hf import app

    original = click.Context.invoke

    def stop(self: click.Context, *args: object, **kwargs: object) -> object:
        if not isinstance(self.command, click.Group):
            raise _Parsed(self)
        return original(self, *args, **kwargs)  # type: ignore[arg-type]

    with mock.patch.object(click.Context, "invoke", stop):
        try:
            app.main(list(words), prog_name="hf", standalone_mode=False)
        except _Parsed as done:
            context: click.Context = done.args[0]
            return context
    return None


def _launch(context: click.Context, words: list[str]) -> list[str]:
    """A launch passes unknown flags on to the script, so the parser alone finds little: every word before `--` must be hf's own."""
    if "--" not in words:
        return ["no `--` before the script: hf takes back the script's flags"]
    own = words[: words.index("--")]
    params = [p for p in context.command.params if not isinstance(p, click.Argument)]
    strict = click.Command("launch", params=[*params, click.Argument(["schedule"], required=False)])
    parsed = strict.make_context("launch", list(own)).params
    bad_timeout = parsed.get("timeout") is not None and not TIMEOUT.fullmatch(parsed["timeout"])
    return ([f"timeout {parsed['timeout']}"] if bad_timeout else []) + _flavor(parsed.get("flavor"))


def _flavor(flavor: object) -> list[str]:
    from huggingface_hub import JobHardware

    name = getattr(flavor, "value", flavor)
    return [] if name is None or name in {item.value for item in JobHardware} else [f"no such flavor: {name}"]


def _argparse_main(start: Callable[[], object], argv: list[str]) -> list[str]:
    """Run a program's main with its argv until its first argument parser is done, and no further."""
    original = argparse.ArgumentParser.parse_known_args

    def stop(self: argparse.ArgumentParser, *args: object, **kwargs: object) -> object:
        _, unknown = original(self, *args, **kwargs)  # type: ignore[arg-type]
        raise _Parsed(unknown)

    with mock.patch.object(sys, "argv", argv), mock.patch.object(argparse.ArgumentParser, "parse_known_args", stop):
        try:
            start()
        except _Parsed as done:
            return [f"unknown: {done.args[0]}"] if done.args[0] else []
    return [f"{' '.join(argv)}: parsed nothing"]


def _trackio(words: list[str]) -> list[str]:
    import trackio.cli

    return _argparse_main(trackio.cli.main, ["trackio", *words])


def _accelerate(words: list[str]) -> list[str]:
    from accelerate.commands.launch import launch_command_parser

    if words[:1] != ["launch"]:
        return [f"only launch is checked: {words}"]
    launch_command_parser().parse_args(words[1:])
    return []


def _torchrun(words: list[str]) -> list[str]:
    from torch.distributed.run import get_args_parser

    get_args_parser().parse_args(words)
    return []


JUDGES: dict[str, Callable[[list[str]], list[str]]] = {
    "hf": _hf,
    "trackio": _trackio,
    "accelerate": _accelerate,
    "torchrun": _torchrun,
}
