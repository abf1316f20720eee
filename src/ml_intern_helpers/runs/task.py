"""`task`: what the user agreed to, on file, so that scripts, launches and later sessions can be held to it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import BadData, NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.runs import agreeing, places
from ml_intern_helpers.runs.contract import Task, task_for
from ml_intern_helpers.runs.task_schema import OPTIONAL, REQUIRED
from ml_intern_helpers.runs.terms import add_terms, terms_of
from ml_intern_helpers.runs.when import now, span, stamp

SUMMARY = "Show, agree, change or close the task of this project (.ml-intern/task.json): what the user said, and nothing else."
EPILOG = """examples:
  task show
  task agree --request "LoRA on Capybara, local, 2 h" --method sft --adapter lora --base-model Qwen/Qwen3-0.6B
       --dataset trl-lib/Capybara,split=train --max-length 2048 --effective-batch 16 --where local --time-budget 2h
  task change --reason "user: 1,024 tokens are enough" --max-length 1024
  task close --reason "model published"

The file is the nearest .ml-intern/task.json from here up to the repository's root. A script or launch that differs from it is
held (SCOPE findings of preflight_check): change it only with the user's word, which goes into --reason.
exit codes here: 1 the task is closed, or another one is open; 3 no task is on file, or it cannot be read or written"""

ACTIONS = ("show", "agree", "change", "close")
_OWN: dict[str, Any] = {"path": None, "ends_at": None, "written": False, "changes": {}, "faults": []}
EMPTY_FIELDS: dict[str, Any] = {**{name: None for name in (*REQUIRED, *OPTIONAL) if name != "schema"}, **_OWN}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="show", help="what to do (default: show)")
    parser.add_argument("--reason", metavar="TEXT", help="for change and close: who said so, and why")
    add_terms(parser)


def run(args: argparse.Namespace, context: Context) -> Report:
    task = task_for(Path())
    if args.action == "agree":
        if args.reason:
            raise UsageError("--reason belongs to change and close", hint="the user's words go into --request")
        terms = terms_of(args, {})
        folder = task.path.parent if task is not None else places.home(Path())
        return _report(*agreeing.agree(folder, terms))
    terms = terms_of(args, task.values if task is not None else {})
    if terms and args.action != "change":
        raise UsageError(f"`task {args.action}` takes no terms", hint="`task change --reason …` sets another one")
    if args.action == "show" and args.reason:
        raise UsageError("--reason belongs to change and close", hint="see `task --help`")
    return _on_file(args, _existing(task), terms)


def _existing(task: Task | None) -> Task:
    if task is None:
        raise NotFound("no task is on file here: nothing was agreed on", hint="`task agree …` (see `task --help`)")
    if task.problem:
        hint = "mend it or move it away, then `task agree`; what was agreed may be read in .ml-intern/plan.md"
        raise BadData(f"{task.path} cannot be read: {task.problem}", hint=hint)
    return task


def _on_file(args: argparse.Namespace, task: Task, terms: dict[str, Any]) -> Report:
    if args.action == "show":
        return _report(task, False)
    if args.action == "close":
        return _report(agreeing.close(task, args.reason), True)
    if not (args.reason or "").strip():
        raise UsageError("a change needs --reason: who said so, and why", hint='--reason "user: …"')
    if not terms:
        raise UsageError("what shall change?", hint="give a term: see `task --help`")
    after, changes = agreeing.change(task, terms, args.reason)
    return _report(after, bool(changes), changes)


def _report(task: Task, written: bool, changes: dict[str, Any] | None = None) -> Report:
    ends = task.ends_at
    own = {"path": str(task.path), "ends_at": stamp(ends) if ends else None, "written": written, "changes": changes or {}}
    fields = {name: task.values.get(name) for name in (*REQUIRED, *OPTIONAL) if name != "schema"}
    status = "failed" if task.faults else "ok"
    report = Report("task", status, {**fields, **own, "faults": list(task.faults)})  # type: ignore[arg-type]
    if ends is not None and task.open:
        left = (ends - now()).total_seconds()
        report.warnings += [f"the time is over since {span(-left)}"] if left <= 0 else []
    return report


def render(report: Report) -> str:
    from ml_intern_helpers.runs.task_text import text_of

    return text_of(report.fields)
