"""Arguments, output and exit codes, once for all commands; the only place that catches and the only one that prints.

A command is a module with four names:

    SUMMARY: str                                   one line for `--help`
    EPILOG: str                                    two real examples (the exit codes are added here)
    def add_arguments(parser): ...
    def run(args, context) -> Report
    def render(report) -> str                      the text form: verdict in the first line

and may have `def render_human(report, console)` (rich) and `DEFAULT_FORMAT = "json"`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ml_intern_helpers import __version__
from ml_intern_helpers.errors import ToolError, UsageError
from ml_intern_helpers.report import Report
from ml_intern_helpers.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.http import Http

#: Command -> module. `scripts/launch` starts those in STANDARD_LIBRARY without building an environment.
COMMANDS = {
    "detect_compute": "ml_intern_helpers.compute.detect_compute",
    "inspect_dataset": "ml_intern_helpers.dataset.inspect_dataset",
    "crawl_arxiv": "ml_intern_helpers.papers.crawl_arxiv",
    "hf_paper_meta": "ml_intern_helpers.papers.hf_paper_meta",
    "preflight_check": "ml_intern_helpers.preflight.preflight_check",
}
STANDARD_LIBRARY = frozenset({"preflight_check"})

EXIT_CODES_TEXT = "exit codes: 0 good; 1 a check failed; 2 wrong usage; 3 could not tell; 70 a bug of ours"
BUG = 70


class Command(Protocol):
    """What a command module offers; see the module docstring."""

    SUMMARY: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace, context: Context) -> Report: ...
    def render(self, report: Report) -> str: ...


@dataclass
class Context:
    """What a command gets besides its arguments."""

    offline: bool = False
    deadline_s: float | None = None
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def http(self) -> Http:
        """The network, imported when first asked for: most of a helper's start-up is imports."""
        from ml_intern_helpers.http import Http

        return Http(offline=self.offline, deadline_s=self.deadline_s)

    def warn(self, message: str) -> None:
        """Add a one-line note to the report's `warnings`, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def progress(self, message: str) -> None:
        """Tell a person at a terminal what takes long; silent otherwise."""
        if sys.stderr.isatty():
            print(clean(message), file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """argparse that reports misuse as `UsageError`, so that `--json` callers get an object for it too."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def main(command: str, argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        module: Command = importlib.import_module(COMMANDS[command])
        return _run(command, module, argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; that is not an error
        return 0
    except KeyboardInterrupt:
        print(f"{command}: stopped", file=sys.stderr)
        return 130


def _run(command: str, module: Command, argv: list[str]) -> int:
    context = Context()
    report = Report(command, "error")
    form = "json" if "--json" in argv else "text"
    try:
        args = _parser(command, module).parse_args(argv)
        form = args.format or getattr(module, "DEFAULT_FORMAT", "text")
        context = Context(offline=args.offline or _truthy("HF_HUB_OFFLINE"), deadline_s=args.timeout)
        report = module.run(args, context)
    except ToolError as err:
        report = Report(command, "error", error=err.to_dict(), exit_code=err.exit_code)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as err:  # the promise of exit code 70: a bug of ours never looks like an answer
        report = _bug(command, err)
    report.warnings = [*context.warnings, *(w for w in report.warnings if w not in context.warnings)]
    _print(module, report, form)
    return report.resolved_exit_code()


def _bug(command: str, err: Exception) -> Report:
    import traceback

    traceback.print_exc()
    message = f"{type(err).__name__}: {clean(err, limit=300)}"
    hint = "please report it with the trace above and the command line"
    return Report(command, "error", error={"code": "bug", "message": message, "hint": hint}, exit_code=BUG)


def _parser(command: str, module: Command) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=command,
        description=module.SUMMARY,
        epilog=f"{module.EPILOG}\n\n{EXIT_CODES_TEXT}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="format", action="store_const", const="json", help="one JSON object on stdout")
    form.add_argument("--text", dest="format", action="store_const", const="text", help="plain text, verdict first")
    form.add_argument("--human", dest="format", action="store_const", const="human", help="for people: tables, colour")
    parser.add_argument("--offline", action="store_true", help="never connect; use stored answers")
    parser.add_argument("--timeout", type=_seconds, default=120.0, metavar="S", help="seconds on the network (default 120)")
    parser.add_argument("--version", action="version", version=f"ml-intern {__version__}")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("must be above 0 and at most 3600 seconds")
    return value


def _truthy(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def _print(module: Command, report: Report, form: str) -> None:
    """stdout gets the result and nothing else; errors, and warnings outside JSON, go to stderr."""
    if report.error:
        print(f"{report.command}: {report.error['message']}", file=sys.stderr)
        if report.error["hint"]:
            print(f"  next: {report.error['hint']}", file=sys.stderr)
    elif form != "json":
        for warning in report.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    if form == "json":
        print(json.dumps(_full(module, report), ensure_ascii=False, indent=1, default=str))
    elif not report.error:
        _print_readable(module, report, form)
    sys.stdout.flush()


def _full(module: Command, report: Report) -> dict[str, Any]:
    """The JSON object with every key of the command present, also when there is nothing but an error."""
    empty: dict[str, Any] = getattr(module, "EMPTY_FIELDS", {})
    report.fields = {**empty, **report.fields}
    return report.to_dict()


def _print_readable(module: Command, report: Report, form: str) -> None:
    human = getattr(module, "render_human", None)
    if form == "human" and human is not None:
        from rich.console import Console

        human(report, Console(highlight=False, soft_wrap=True))
    else:
        print(module.render(report))
