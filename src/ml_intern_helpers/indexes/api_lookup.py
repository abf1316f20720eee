"""`api_lookup`: what a library release really offers, before it is written into a script."""

from __future__ import annotations

import argparse
import re
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Report

SUMMARY = "Look up what a release of trl, transformers, peft, accelerate, datasets, trackio or huggingface_hub offers."
EPILOG = """examples:
  api_lookup SFTConfig GRPOTrainer.train          arguments with defaults, own ones first
  api_lookup trl.SFTConfig.max_seq_length         gone: since when, and what to write instead
  api_lookup --grep 'chat_template' --release trl==0.20

exit codes here: 1 a name does not exist in that release (the answer says what does), 3 a release could not be fetched"""

EMPTY_FIELDS: dict[str, Any] = {"releases": {}, "results": [], "matches": [], "matches_total": 0, "all": False}
_QUERY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="SFTConfig, trl.SFTConfig.max_length, Trainer.train, trl.experimental"
    )
    parser.add_argument("--grep", metavar="PATTERN", help="public names and arguments that match a regular expression")
    parser.add_argument(
        "--release", action="append", default=[], metavar="PKG==VERSION", help="answer for this release (repeatable)"
    )
    parser.add_argument("--python", metavar="PATH", help="answer for what is installed beside this interpreter")
    parser.add_argument("--all", action="store_true", help="every argument with its type and sentence, every match")


def run(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.indexes.answers import answer, grep
    from ml_intern_helpers.indexes.stored.sources import libraries

    if not args.names and not args.grep:
        raise UsageError("what shall I look up?", hint="api_lookup SFTConfig, or api_lookup --grep PATTERN")
    for name in args.names:
        if not _QUERY.fullmatch(name):
            raise UsageError(f"{name!r} is not a name", hint="write it as Python does: trl.SFTConfig.max_length")
    asked = libraries(args.release, args.python, context)
    pattern = _pattern(args.grep)
    results = [answer.result(library, name) for library in asked for name in args.names]
    matches = [match for library in asked for match in grep.matches(library, pattern)] if pattern else []
    fields = {
        "releases": answer.versions(asked),
        "results": results,
        "matches": matches if args.all else matches[: grep.MOST_MATCHES],
        "matches_total": len(matches),
        "all": args.all,
    }
    missing = any(not result["found"] and not result["unknown"] for result in results) or bool(
        pattern and not matches and not results
    )
    unknown = any(result["unknown"] for result in results)
    return Report("api_lookup", "failed" if missing else "unknown" if unknown else "ok", fields)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.IGNORECASE) if text else None
    except re.error as err:
        raise UsageError(f"--grep {text!r} is no regular expression: {err}", hint="put a backslash before ( [ + * . ?") from err


def render(report: Report) -> str:
    from ml_intern_helpers.indexes.answers.answer_text import text_of

    return text_of(report.fields)
