"""`preflight_check`: is this training script ready to be launched?"""

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
    "settings_from": None,
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
        return _explain(args.explain)
    _validate(args)
    gc.disable()  # a syntax tree is all live objects: looking for garbage in it takes as long as the work itself
    try:
        if args.launch is None:
            return _check_script(args, context)
        from ml_intern_helpers.preflight.launch_check import judged

        return judged(args.launch, args.path, args.local, _options(args, context))
    except RecursionError as err:
        what = "the command line, or a script in it," if args.launch is not None else args.path
        raise BadData(f"{what} is nested too deeply to follow", hint="give it the training script itself") from err
    finally:
        gc.enable()


def _validate(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: neither a path nor a launch, two forms of output, or a requirement that is none.
    """
    from ml_intern_helpers.analysis.requirements import is_requirement

    forms = [name for name in ("sarif", "fix") if getattr(args, name)]
    forms += [args.format] if args.format in ("json", "human") and forms else []
    if len(forms) > 1:
        raise UsageError(f"--{forms[0]} and --{forms[1]} are two forms of one answer", hint="give one of them")
    if args.launch is not None and forms:
        raise UsageError(f"--{forms[0]} is about a script, not a launch", hint=f"preflight_check train.py --{forms[0]}")
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
        ToolError: it cannot be read, or holds no training.
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
        raise NotFound(f"{source.place(None)} holds no training I recognise: {why}", hint="give it the script that trains")
    if options.parser_options and not script.script.parsed:
        context.warn(f"{options.parser_options.file} is read by nothing: the script has no TrlParser or HfArgumentParser")
    for note in examination.notes:
        context.warn(note)
    status: Status = "failed" if errors else "unknown" if examination.settled_nothing else "ok"
    report = Report("preflight_check", status, fields_of(examination, status), list(examination.findings))
    if args.fix:
        from ml_intern_helpers.preflight.fix import diff

        text, mended = diff(examination, lambda text: examine(text, mode, options=options))
        context.warn(f"{mended} of {len(examination.findings)} findings mended; nothing was written")
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
