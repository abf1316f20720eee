"""`preflight_check`: is this training script ready to be launched?"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli import Context
from ml_intern_helpers.errors import BadData, NotFound, Unavailable, UsageError
from ml_intern_helpers.preflight.budget import bounded
from ml_intern_helpers.report import Report, Status

SUMMARY = "Fill in the pre-flight checklist of a training script from its syntax; the script is never run."
EPILOG = """examples:
  preflight_check train.py              before `hf jobs uv run train.py`
  preflight_check train.py --local      before `python train.py` on this machine

exit codes here: 1 an error, 0 also with warnings, 3 the file cannot be read, holds no training, or nothing could be told
suppress a finding, with a reason: # preflight: ignore[API101] reason"""

#: Only `--dataset` goes to the network, for each dataset at most this long.
DEFAULT_TIMEOUT_S = 30.0
EMPTY_FIELDS: dict[str, Any] = {
    "path": None,
    "mode": None,
    "verdict": None,
    "method": None,
    "adapter": None,
    "smoke_run_steps": None,
    "checklist": [],
    "slots": 0,
    "unknowns": [],
    "suppressed": [],
    "header": None,
    "releases": {},
    "explanation": None,
}


@dataclass
class PrintedReport(Report):
    """A report whose text form is another: SARIF, or a diff."""

    printed: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help="a script (.py) or notebook (.ipynb)")
    parser.add_argument("--local", action="store_true", help="for a run on this machine: no push, timeout or job packages")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the YAML or JSON that the script's TrlParser will read")
    parser.add_argument(
        "--dataset", default="none", metavar="auto|ID|none",
        help="compare with the real columns, through inspect_dataset: of what load_dataset names, or of ID (default none)",
    )  # fmt: skip
    parser.add_argument("--fix", action="store_true", help="print a diff that mends what is safe to mend; writes nothing")
    parser.add_argument("--sarif", action="store_true", help="SARIF 2.1.0 on stdout, for CI (not with --json)")
    parser.add_argument("--explain", metavar="CODE", help="why a rule exists, with a bad and a good example")


@bounded
def run(args: argparse.Namespace, context: Context) -> Report:
    if args.explain is not None:
        return _explained(args.explain)
    _asked_rightly(args)
    from ml_intern_helpers.preflight.examine import examine
    from ml_intern_helpers.preflight.given import Given, read_config
    from ml_intern_helpers.preflight.source import read_source

    gc.disable()  # a syntax tree is all live objects: looking for garbage in it takes as long as the work itself
    try:
        source = read_source(args.path)
        given = read_config(args.config) if args.config else Given()
        look = None if args.dataset == "none" else partial(_look, args.dataset, context)
        found = examine(source, "local" if args.local else "jobs", given, look)
    except RecursionError as err:
        raise BadData(f"{args.path} is nested too deeply to follow", hint="give it the training script itself") from err
    finally:
        gc.enable()
    if found.facts.training.kind == "none" and not found.count("error"):
        why = found.facts.training.why_not
        raise NotFound(f"{source.place(None)} holds no training I recognise: {why}", hint="give it the script that trains")
    if given.file and not found.facts.script.parsed:
        context.warn(f"{given.file} is read by nothing: the script has no TrlParser or HfArgumentParser")
    for note in found.notes:
        context.warn(note)
    if args.fix:
        return _as_diff(found, lambda mended: examine(mended, found.facts.mode, given), context)
    return _as_sarif(found) if args.sarif else _report(found)


def _asked_rightly(args: argparse.Namespace) -> None:
    """A path, and one form of answer.

    Raises:
        UsageError: neither, or two.
    """
    forms = [name for name in ("sarif", "fix") if getattr(args, name)]
    forms += [args.format] if args.format in ("json", "human") and forms else []
    if len(forms) > 1:
        raise UsageError(f"--{forms[0]} and --{forms[1]} are two forms of one answer", hint="give one of them")
    if args.path is None:
        raise UsageError("PATH is missing: which script?", hint="preflight_check train.py")


def _as_sarif(found: Any) -> Report:
    from ml_intern_helpers.preflight.sarif import sarif

    report = _report(found)
    return PrintedReport(report.command, report.status, report.fields, report.findings, printed=sarif(found))


def _as_diff(found: Any, again: Callable[[Any], Any], context: Context) -> Report:
    """The diff that mends what is safe to mend, tried before it is shown: it parses, and those findings are gone."""
    from ml_intern_helpers.preflight.fixing import diff, fixed_text
    from ml_intern_helpers.preflight.source import source_of

    source = found.facts.source
    if source.cells is not None:
        raise UsageError("--fix does not mend notebooks", hint="fix the cells by hand; the findings name them")
    if any(finding.code == "SEC101" for finding in found.findings):
        raise Unavailable("a token stands in the source: a diff would print it", hint="take it out first (SEC101)")
    text, mended = fixed_text(found)
    after = again(source_of(source.path, text)) if mended else found
    if len(after.findings) != len(found.findings) - mended:
        raise Unavailable("the mended script was not better than before: no diff", hint="fix by hand; please report the script")
    context.warn(f"{mended} of {len(found.findings)} findings mended; nothing was written")
    report = _report(found)
    return PrintedReport(report.command, report.status, report.fields, report.findings, printed=diff(source, text).rstrip("\n"))


def _look(wanted: str, context: Context, facts: Any) -> None:
    from ml_intern_helpers.preflight.real_columns import ask_for_columns

    ask_for_columns(facts, wanted, offline=context.offline, timeout_s=context.deadline_s or DEFAULT_TIMEOUT_S)


def _explained(code: str) -> Report:
    from ml_intern_helpers.preflight.registry import all_rules, title

    rule = all_rules().get(code.upper())
    if rule is None:
        raise UsageError(f"no rule {code!r}", hint=f"codes: {' '.join(all_rules())}")
    text = f"{rule.CODE} ({rule.SEVERITY}; {', '.join(rule.MODES)}): {rule.__doc__.strip()}"
    return Report("preflight_check", "ok", {"verdict": title(rule), "explanation": text})


def _report(found: Any) -> Report:
    from ml_intern_helpers.preflight.answer import fields_of

    status: Status = "failed" if found.count("error") else "unknown" if found.settled_nothing else "ok"
    return Report("preflight_check", status, fields_of(found, status), list(found.findings))


def render(report: Report) -> str:
    from ml_intern_helpers.preflight.answer import text_of

    if isinstance(report, PrintedReport):
        return report.printed
    explanation: str | None = report.fields.get("explanation")
    return explanation or text_of(report)
