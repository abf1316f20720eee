"""The command `preflight_check`: checks whether a training script is ready to be launched."""

from __future__ import annotations

import argparse
import gc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.cpu_limit import bounded
from ml_intern_helpers.core.errors import BadData, NotFound, UsageError
from ml_intern_helpers.core.report import Report, Status
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.analysis.options import Options

SUMMARY = "Fill in the pre-flight checklist of a training script from its syntax; the script is never run."
EPILOG = """examples:
  preflight_check train.py              before `hf jobs uv run train.py`
  preflight_check train.py --local      before `python train.py` on this machine
  preflight_check --launch 'hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py'

exit codes here: 0 no errors (warnings are allowed), 1 errors, 3 unreadable file, no training, or nothing could be determined
to suppress a finding, write a comment with a reason: # preflight: ignore[API101] reason"""

EMPTY_FIELDS: dict[str, Any] = {
    "path": None, "mode": None, "verdict": None, "method": None, "adapter": None, "smoke_run_steps": None, "checklist": [],
    "slots": 0, "unknowns": [], "suppressed": [], "settings_from": None, "header": None, "releases": {}, "launches": [],
    "explanation": None,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help="a script (.py) or notebook (.ipynb)")
    parser.add_argument("--local", action="store_true", help="for a run on this machine: no push, timeout or job packages")
    parser.add_argument(
        "--python", metavar="PATH", help="the interpreter of the run: check against the packages installed for it"
    )
    parser.add_argument(
        "--with", dest="with_", action="append", default=[], metavar="REQ", help="a requirement of the launch (repeatable)"
    )
    parser.add_argument(
        "--launch", metavar="COMMAND", help="the command line that starts the script, in single quotes; it is never run"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the YAML or JSON file that the script's TrlParser will read")
    parser.add_argument(
        "--dataset", default="none", metavar="auto|ID|none",
        help="compare with the real columns from inspect_dataset: auto for the script's datasets, or ID (default: none)",
    )  # fmt: skip
    parser.add_argument("--fix", action="store_true", help="print a diff with the safe fixes; no file is changed")
    parser.add_argument("--sarif", action="store_true", help="SARIF 2.1.0 on stdout, for CI (not with --json)")
    parser.add_argument("--explain", metavar="CODE", help="why a rule exists, with a bad and a good example")


@bounded
def run(args: argparse.Namespace, context: Context) -> Report:
    if args.explain is not None:
        return _explain(args.explain)
    _validate(args)
    gc.disable()  # all objects of a syntax tree are live: collecting garbage would take as long as the check itself
    try:
        if args.launch is None:
            return _check_script(args, context)
        from ml_intern_helpers.preflight.launch_check import report_on

        return report_on(args.launch, args.path, args.local, _options(args, context))
    except RecursionError as err:
        what = "the command line, or a script in it," if args.launch is not None else args.path
        raise BadData(f"{what} is nested too deeply to follow", hint="give the training script itself") from err
    finally:
        gc.enable()


def _validate(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: neither a path nor a launch, two forms of output, or an invalid requirement.
    """
    from ml_intern_helpers.analysis.requirements import is_requirement

    forms = [name for name in ("sarif", "fix") if getattr(args, name)]
    forms += [args.format] if args.format in ("json", "human") and forms else []
    if len(forms) > 1:
        raise UsageError(f"--{forms[0]} and --{forms[1]} cannot be combined", hint="give one of them")
    if args.launch is not None and forms:
        raise UsageError(f"--{forms[0]} works on a script, not on a launch", hint=f"preflight_check train.py --{forms[0]}")
    if args.path is None and args.launch is None:
        hint = "preflight_check train.py, or --launch 'hf jobs uv run … train.py'"
        raise UsageError("PATH is missing: which script?", hint=hint)
    wrong = next((text for text in args.with_ if not is_requirement(text)), None)
    if wrong is not None:
        raise UsageError(f"--with {clean(wrong, limit=80)!r} is not a requirement", hint="--with trl==1.16.0")


def _options(args: argparse.Namespace, context: Context) -> Options:
    from ml_intern_helpers.analysis.options import Options

    limit_s = context.deadline_s or 180
    options = Options(args.python, tuple(args.with_), context.offline, limit_s, context.progress)
    if args.config:
        from ml_intern_helpers.analysis.config_file import read_config

        options = options._replace(parser_options=read_config(args.config))
    if args.dataset != "none":
        from ml_intern_helpers.preflight.datasets import add_real_columns

        source = partial(add_real_columns, wanted=args.dataset, offline=context.offline, timeout_s=limit_s)
        options = options._replace(column_source=source)
    return options


def _check_script(args: argparse.Namespace, context: Context) -> Report:
    """The report on a script.

    Raises:
        ToolError: the script cannot be read, or does not train.
    """
    from ml_intern_helpers.analysis.source import read_source
    from ml_intern_helpers.preflight.examine import examine
    from ml_intern_helpers.preflight.render import PrintedReport, fields_of

    source, options = read_source(args.path), _options(args, context)
    mode = "local" if args.local else "jobs"
    examination = examine(source, mode, options=options)
    errors = examination.number_of("error")
    script = examination.context
    if script.training.kind == "none" and not errors:
        why = script.training.why_not
        raise NotFound(f"{source.place(None)} holds no training I recognise: {why}", hint="give the script that trains")
    if options.parser_options and not script.script.parsed:
        context.warn(f"{options.parser_options.file} is read by nothing: the script has no TrlParser or HfArgumentParser")
    for note in examination.notes:
        context.warn(note)
    status: Status = "failed" if errors else "unknown" if examination.settled_nothing else "ok"
    report = Report("preflight_check", status, fields_of(examination, status), list(examination.findings))
    if args.fix:
        from ml_intern_helpers.preflight.fix import diff

        text, fixed = diff(examination, lambda fixed_source: examine(fixed_source, mode, options=options))
        context.warn(f"the diff fixes {fixed} of {len(examination.findings)} findings; no file was changed")
        return PrintedReport(report, text)
    if args.sarif:
        from ml_intern_helpers.preflight.render import sarif

        return PrintedReport(report, sarif(examination))
    return report


def _explain(code: str) -> Report:
    from ml_intern_helpers.preflight.registry import all_rules

    rule = all_rules().get(code.upper())
    if rule is None:
        raise UsageError(f"no rule {code!r}", hint=f"codes: {' '.join(all_rules())}")
    text = f"{rule.code} ({rule.severity}; {', '.join(rule.modes)}): {rule.documentation}"
    return Report("preflight_check", "ok", {"verdict": rule.title, "explanation": text})


def render(report: Report) -> str:
    explanation: str | None = report.fields.get("explanation")
    if explanation:
        return explanation
    from ml_intern_helpers.preflight.render import PrintedReport, text_of

    return report.printed if isinstance(report, PrintedReport) else text_of(report)
