"""Parses the arguments of all commands, runs them, and turns errors into exit codes (`cli.output` prints).

A command is a module with four names:

    SUMMARY: str                                   one line for `--help`
    EPILOG: str                                    two real examples (the exit codes are added here)
    def add_arguments(parser): ...
    def run(args, context) -> Report
    def render(report) -> str                      the text form: verdict in the first line

Optional names: `def render_human(report, console)` (rich), `DEFAULT_FORMAT = "json"`, `DEFAULT_TIMEOUT_S`, EMPTY_FIELDS (the
command's own keys with their values in an error report) and SUBCOMMANDS (name -> `Subcommand`).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ml_intern_helpers import __version__
from ml_intern_helpers.cli import output
from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http

#: Command -> module. Those in STANDARD_LIBRARY need no environment: `scripts/launch` starts them on any Python.
COMMANDS = {
    "detect_compute": "ml_intern_helpers.compute.detect_compute",
    "inspect_dataset": "ml_intern_helpers.dataset.inspect_dataset",
    "crawl_arxiv": "ml_intern_helpers.papers.crawl_arxiv",
    "hf_paper_meta": "ml_intern_helpers.papers.hf_paper_meta",
    "preflight_check": "ml_intern_helpers.preflight.preflight_check",
    "api_lookup": "ml_intern_helpers.indexes.api_lookup",
    "task": "ml_intern_helpers.runs.task",
    "budget": "ml_intern_helpers.runs.budget",
    "dry_run": "ml_intern_helpers.dryrun.dry_run",
}
STANDARD_LIBRARY = frozenset({"preflight_check", "api_lookup", "task", "dry_run"})

EXIT_CODES_TEXT = "exit codes: 0 good; 1 a check failed; 2 wrong usage; 3 could not tell; 70 a bug of ours"
BUG = 70
STOPPED = 130


#: Options without a value that may stand before the name of a subcommand.
_LEADING_OPTIONS = frozenset({"--json", "--text", "--human", "--offline"})


class Subcommand(NamedTuple):
    """A subcommand with its own arguments and `--help`; its command's `run` receives what it parses.

    Attributes:
        defaults: values of arguments by name; all others have the command's defaults.
        hint: shown on wrong usage: what else the caller may have meant.
    """

    summary: str
    epilog: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    defaults: Mapping[str, Any] = {}
    hint: str = ""


class Context:
    """Services for a running command: network, warnings, progress."""

    def __init__(self, offline: bool = False, deadline_s: float | None = None) -> None:
        self.offline, self.deadline_s = offline, deadline_s
        self.warnings: list[str] = []

    @cached_property
    def http(self) -> Http:
        """The network client, imported on first use because imports dominate start-up."""
        from ml_intern_helpers.web.client import Http

        return Http(offline=self.offline, deadline_s=self.deadline_s, tell=self.announce)

    def warn(self, message: str) -> None:
        """Add a one-line note to the report's `warnings`, once; the message is cleaned here, as it may quote foreign text."""
        message = clean(message)
        if message not in self.warnings:
            self.warnings.append(message)

    def progress(self, message: str) -> None:
        """Show the current step on a terminal; print nothing without one."""
        if sys.stderr is not None and sys.stderr.isatty():
            output.say(clean(message))

    def announce(self, message: str) -> None:
        """Announce on stderr an action that costs time or money, also without a terminal."""
        output.say(clean(message))


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError`, so that wrong usage is also answered with JSON under `--json`."""

    hint = ""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint="; ".join(part for part in (f"see `{self.prog} --help`", self.hint) if part))


def main(command: str, argv: list[str] | None = None) -> int:
    """Run one command, print its answer and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _run(command, argv)
    except KeyboardInterrupt:
        output.say(f"{command}: stopped")
        return STOPPED
    except SystemExit as done:  # argparse has printed --help or --version
        output.finish()
        return int(done.code or 0)


def _run(command: str, argv: list[str]) -> int:
    module, form, context = None, _requested_form(argv, None), Context()
    try:
        module = importlib.import_module(COMMANDS[command])
        form = _requested_form(argv, module)
        args = parse(command, module, argv)
        context = Context(offline=args.offline or _offline_by_environment(), deadline_s=args.timeout)
        report = module.run(args, context)
    except ToolError as err:
        report = Report(command, "error", error=err.to_dict(), exit_code=err.exit_code)
    except Exception as err:  # a bug of ours must end with exit code 70, never with an answer
        report = _bug(command, err)
    report.warnings = [*context.warnings, *(w for w in report.warnings if w not in context.warnings)]
    try:
        text = output.rendered(module, report, form)
    except Exception as err:
        report = _bug(command, err)
        text = output.rendered(module, report, form)
    return output.write(report, text, form)


def print_error(command: str, argv: list[str], err: ToolError) -> int:
    """Report that a command could not be started (its environment is missing), in the requested form."""
    module = None
    with suppress(KeyError, ImportError):
        module = importlib.import_module(COMMANDS[command])
    form = _requested_form(argv, module)
    report = Report(command, "error", error=err.to_dict(), exit_code=err.exit_code)
    return output.write(report, output.rendered(module, report, form), form)


def _bug(command: str, err: Exception) -> Report:
    import traceback

    output.say(clean("".join(traceback.format_exception(err)).rstrip(), keep_newlines=True))
    message = f"{type(err).__name__}: {clean(err, limit=300)}"
    hint = "please report it with the trace above and the command line"
    return Report(command, "error", error={"code": "bug", "message": message, "hint": hint}, exit_code=BUG)


def _requested_form(argv: list[str], module: ModuleType | None) -> str:
    """The requested output form, read before parsing, because wrong usage is also reported in this form."""
    own = argv[: argv.index("--")] if "--" in argv else argv  # what follows belongs to a script
    forms = [word[2:] for word in own if word in ("--json", "--text", "--human")]
    return forms[-1] if forms else getattr(module, "DEFAULT_FORMAT", "text")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """A formatter with a width from COLUMNS: argparse's own would import shutil for every argument to find it."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=max(int(columns) if columns.isdecimal() else 80, 40) - 2)


def parse(command: str, module: ModuleType, argv: list[str]) -> argparse.Namespace:
    """The parsed arguments of a call; a subcommand's are completed with the defaults of its command."""
    whole_command = Subcommand(module.SUMMARY, module.EPILOG, module.add_arguments)
    limit_s: float = getattr(module, "DEFAULT_TIMEOUT_S", 120.0)
    subcommands: Mapping[str, Subcommand] = getattr(module, "SUBCOMMANDS", {})
    start = next((place for place, word in enumerate(argv) if word not in _LEADING_OPTIONS), len(argv))
    # Longest name first. One quoted argument with a blank ("notes add") is a query, not a subcommand.
    for name in sorted(subcommands, key=len, reverse=True):
        end = start + len(name.split())
        if argv[start:end] == name.split():
            args = _parser(f"{command} {name}", subcommands[name], limit_s).parse_args([*argv[:start], *argv[end:]])
            defaults = _parser(command, whole_command, limit_s).parse_args([])
            return argparse.Namespace(**{**vars(defaults), **subcommands[name].defaults, **vars(args)})
    return _parser(command, whole_command, limit_s).parse_args(argv)


def _parser(name: str, command: Subcommand, limit_s: float) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=name,
        description=command.summary,
        epilog=f"{command.epilog}\n\n{EXIT_CODES_TEXT}",
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    parser.hint = command.hint
    command.add_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="format", action="store_const", const="json", help="one JSON object on stdout")
    form.add_argument("--text", dest="format", action="store_const", const="text", help="plain text, verdict first")
    form.add_argument("--human", dest="format", action="store_const", const="human", help="for people: tables, colour")
    parser.add_argument("--offline", action="store_true", help="never connect; use stored answers")
    parser.add_argument(
        "--timeout", type=_seconds, default=limit_s, metavar="S", help=f"seconds on the network (default {limit_s:g})"
    )
    parser.add_argument("--version", action="version", version=f"ml-intern {__version__}")
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("must be a number above 0 and at most 3600 seconds")
    return value


def _offline_by_environment() -> bool:
    """Whether `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`, is set to a true value, read as the Hub's client does."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.strip().lower() in {"1", "true", "yes", "on"}
