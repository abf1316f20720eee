"""`preflight_check`: is this training script ready to be launched?"""

from __future__ import annotations

import argparse
import gc
from functools import partial
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.cpu_limit import bounded
from ml_intern_helpers.core.errors import BadData, NotFound, UsageError
from ml_intern_helpers.core.report import Report, Status
from ml_intern_helpers.core.text import clean

SUMMARY = "Fill in the pre-flight checklist of a training script from its syntax; the script is never run."
EPILOG = """examples:
  preflight_check train.py              before `hf jobs uv run train.py`
  preflight_check train.py --local      before `python train.py` on this machine
  preflight_check --launch 'hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py'

exit codes here: 1 an error, 0 also with warnings, 3 the file cannot be read, holds no training, or nothing could be told
suppress a finding, with a reason: # preflight: ignore[API101] reason"""

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
    "launches": [],
    "explanation": None,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help="a script (.py) or notebook (.ipynb)")
    parser.add_argument("--local", action="store_true", help="for a run on this machine: no push, timeout or job packages")
    parser.add_argument("--python", metavar="PATH", help="the interpreter of the run: judge against what is installed beside it")
    parser.add_argument(
        "--with", dest="with_", action="append", default=[], metavar="REQ", help="a requirement of the launch (repeatable)"
    )
    parser.add_argument("--launch", metavar="COMMAND", help="the command line that starts it, in single quotes; never run")
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
    gc.disable()  # a syntax tree is all live objects: looking for garbage in it takes as long as the work itself
    try:
        return _launched(args, context) if args.launch is not None else _checked(args, context)
    except RecursionError as err:
        what = "the command line, or a script in it," if args.launch is not None else args.path
        raise BadData(f"{what} is nested too deeply to follow", hint="give it the training script itself") from err
    finally:
        gc.enable()


def _checked(args: argparse.Namespace, context: Context) -> Report:
    """The answer on a script.

    Raises:
        ToolError: it cannot be read, or holds no training.
    """
    from ml_intern_helpers.analysis.source import read_source
    from ml_intern_helpers.preflight.examine import examine
    from ml_intern_helpers.preflight.rendering.printed import as_diff, as_sarif

    source, about = read_source(args.path), _asked(args, context)
    found = examine(source, "local" if args.local else "jobs", about=about)
    if found.facts.training.kind == "none" and not found.number_of("error"):
        why = found.facts.training.why_not
        raise NotFound(f"{source.place(None)} holds no training I recognise: {why}", hint="give it the script that trains")
    if about.options and not found.facts.script.parsed:
        context.warn(f"{about.options.file} is read by nothing: the script has no TrlParser or HfArgumentParser")
    for note in found.notes:
        context.warn(note)
    if args.fix:
        return as_diff(found, _report(found), lambda mended: examine(mended, found.facts.mode, about=about), context.warn)
    return as_sarif(found, _report(found)) if args.sarif else _report(found)


def _asked_rightly(args: argparse.Namespace) -> None:
    """A path or a launch, one form of answer, and requirements that are some.

    Raises:
        UsageError: neither, two, or none.
    """
    from ml_intern_helpers.analysis.requirements import is_requirement

    forms = [name for name in ("sarif", "fix") if getattr(args, name)]
    forms += [args.format] if args.format in ("json", "human") and forms else []
    if len(forms) > 1:
        raise UsageError(f"--{forms[0]} and --{forms[1]} are two forms of one answer", hint="give one of them")
    if args.launch is not None and forms:
        raise UsageError(f"--{forms[0]} is about a script, not a launch", hint=f"preflight_check train.py --{forms[0]}")
    if args.path is None and args.launch is None:
        raise UsageError(
            "PATH is missing: which script?", hint="preflight_check train.py, or --launch 'hf jobs uv run … train.py'"
        )
    wrong = next((text for text in args.with_ if not is_requirement(text)), None)
    if wrong is not None:
        raise UsageError(f"--with {clean(wrong, limit=80)!r} is not a requirement", hint="--with trl==1.16.0")


def _asked(args: argparse.Namespace, context: Context) -> Any:
    from ml_intern_helpers.analysis.options import Options

    limit_s = context.deadline_s or 180
    options = look = None
    if args.config:
        from ml_intern_helpers.analysis.config_file import read_config

        options = read_config(args.config)
    if args.dataset != "none":
        from ml_intern_helpers.preflight.datasets.real_columns import ask_for_columns

        look = partial(ask_for_columns, wanted=args.dataset, offline=context.offline, timeout_s=limit_s)
    return Options(args.python, tuple(args.with_), context.offline, limit_s, context.progress, options=options, look=look)


def _launched(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.preflight.launch_check import judged

    return judged(args.launch, args.path, args.local, _asked(args, context))


def _explained(code: str) -> Report:
    from ml_intern_helpers.preflight.registry import all_rules, title

    rule = all_rules().get(code.upper())
    if rule is None:
        raise UsageError(f"no rule {code!r}", hint=f"codes: {' '.join(all_rules())}")
    text = f"{rule.CODE} ({rule.SEVERITY}; {', '.join(rule.MODES)}): {rule.__doc__.strip()}"
    return Report("preflight_check", "ok", {"verdict": title(rule), "explanation": text})


def _report(found: Any) -> Report:
    from ml_intern_helpers.preflight.rendering.answer import fields_of

    status: Status = "failed" if found.number_of("error") else "unknown" if found.settled_nothing else "ok"
    return Report("preflight_check", status, fields_of(found, status), list(found.findings))


def render(report: Report) -> str:
    from ml_intern_helpers.preflight.rendering.answer import text_of
    from ml_intern_helpers.preflight.rendering.printed import PrintedReport

    if isinstance(report, PrintedReport):
        return report.printed
    explanation: str | None = report.fields.get("explanation")
    if explanation or not report.fields.get("launches"):
        return explanation or text_of(report)
    from ml_intern_helpers.preflight import launch_check

    return launch_check.text_of(report)
