"""Renders a command's report and writes it.

Rendering is completed before anything is written, so that a bug in it can still be reported. Only the result goes to stdout;
errors, and warnings outside JSON, go to stderr.
"""

from __future__ import annotations

import json
import math
import os
import sys
from types import ModuleType
from typing import Any

from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean

#: Exit code if the answer could not be written (disk full, stdout closed).
NOT_WRITTEN = 3


def rendered(module: ModuleType | None, report: Report, form: str) -> str:
    """The text for stdout, or "": outside JSON an error is written to stderr only."""
    if form == "json":
        return _json(_full(module, report))
    if report.error or module is None:
        return ""
    if form == "human" and hasattr(module, "render_human"):
        return _human(module, report)
    return clean(module.render(report), keep_newlines=True)


def write(report: Report, text: str, form: str) -> int:
    """Print `text`, with errors and warnings on stderr; return the exit code, also if the reader has closed its end."""
    for line in _notes(report, form):
        say(line)
    written = _to_stdout(text, form)
    return report.resolved_exit_code() if written else NOT_WRITTEN


def say(line: str) -> None:
    """Write one line to stderr if it exists; `print(file=None)` would write to stdout."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(without_tokens(line) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def without_tokens(text: str) -> str:
    """`text` without the user's own tokens, which a trace, a quoted script or a row may contain."""
    for token in (tokens.hf_token(), tokens.semantic_scholar_key(), tokens.openalex_key()):
        if token and len(token) >= tokens.SHORTEST_SECRET:
            text = text.replace(token, "[token]")
    return text


def _notes(report: Report, form: str) -> list[str]:
    if report.error:
        lines = [f"{report.command}: {clean(report.error['message'])}"]
        return lines + ([f"  next: {clean(report.error['hint'])}"] if report.error["hint"] else [])
    return [] if form == "json" else [f"warning: {clean(warning)}" for warning in report.warnings]


def _to_stdout(text: str, form: str) -> bool:
    """Whether the output was written; a reader that closes early (`| head`) counts as success."""
    if sys.stdout is None or not text:
        return True
    try:
        if form == "json" and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")
        if hasattr(sys.stdout, "reconfigure"):  # lone surrogates, as in odd file names, must not raise
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.stdout.write(without_tokens(text) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    except OSError as err:
        _silence_stdout()
        say(f"could not write the answer: {err.strerror}")
        return False
    return True


def finish() -> None:
    """Flush what argparse has printed (`--help`), for a reader that may have closed its end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()


def _silence_stdout() -> None:
    """Redirect stdout to the null device, so that the interpreter's flush at exit does not fail on the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _full(module: ModuleType | None, report: Report) -> dict[str, Any]:
    """The JSON object with every key of the command, also in an error report."""
    empty: dict[str, Any] = getattr(module, "EMPTY_FIELDS", {})
    report.fields = {**empty, **report.fields}
    return report.to_dict()


def _json(value: dict[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=1, default=str, allow_nan=False)
    except ValueError:  # rows may contain NaN, which JSON does not have
        return json.dumps(_finite(value), ensure_ascii=False, indent=1, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _human(module: ModuleType, report: Report) -> str:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as capture:
        module.render_human(report, console)
    return capture.get().rstrip("\n")
