"""`task`: records what the user agreed to, so that scripts, launches and later sessions are checked against it."""

from __future__ import annotations

import argparse
import difflib
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import BadData, NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean, shorten
from ml_intern_helpers.runs import agreeing, project_files
from ml_intern_helpers.runs.agreeing import DEFAULTS, TERMS
from ml_intern_helpers.runs.contract import ADAPTERS, MAX_BYTES, METHODS, OPTIONAL, PLACES, REQUIRED, TRACKERS, Task, task_for
from ml_intern_helpers.runs.timestamps import now, parsed, seconds, span, stamp

SUMMARY = "Show, agree, change or close the task of this project (.ml-intern/task.json): only what the user agreed to."
EPILOG = """examples:
  task show
  task agree --request "LoRA on Capybara, local, 2 h" --method sft --adapter lora --base-model Qwen/Qwen3-0.6B
       --dataset trl-lib/Capybara,split=train --max-length 2048 --effective-batch 16 --where local --time-budget 2h
  task change --reason "user: 1,024 tokens are enough" --max-length 1024
  task close --reason "model published"

The file is the nearest .ml-intern/task.json from here up to the repository's root. A script or launch that differs from it is
held (SCOPE findings of preflight_check). Change it only if the user said so, and give the user's words as --reason.
exit codes here: 1 the task is closed, or another one is open; 3 no task is on file, or it cannot be read or written"""

ACTIONS = ("show", "agree", "change", "close")
_OWN: dict[str, Any] = {"path": None, "ends_at": None, "written": False, "changes": {}, "faults": []}
EMPTY_FIELDS: dict[str, Any] = {**{name: None for name in (*REQUIRED, *OPTIONAL) if name != "schema"}, **_OWN}

#: Values by which an option says that a term is absent.
_NONE = ("none", "null", "")
#: Entries that are not terms; --from ignores them, so that the output of `task show --json` can be edited and reused.
_BOOKKEEPING = {"schema", "id", "state", "agreed_at", "closed_at", "history", "status", "findings", "warnings", "error"}
_BOOKKEEPING |= {"path", "ends_at", "written", "changes", "faults"}
_MOST_CHANGES = 8
_MOST_DATASETS = 8
_WIDE = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="show", help="what to do (default: show)")
    parser.add_argument("--reason", metavar="TEXT", help="for change and close: who decided it, and why")
    group = parser.add_argument_group("terms (for agree and change)")
    group.add_argument("--request", metavar="TEXT", help="the user's words")
    group.add_argument("--method", choices=METHODS)
    group.add_argument("--adapter", choices=ADAPTERS, help="full training, or which adapter")
    group.add_argument("--base-model", metavar="ID[,revision=R]", help="Qwen/Qwen3-0.6B,revision=main")
    group.add_argument(
        "--dataset", action="append", metavar="ID[,config=C][,split=S][,revision=R]", help="repeatable; replaces all datasets"
    )
    group.add_argument("--max-length", metavar="TOKENS|none", help="in tokens; none for a method without one (GRPO)")
    group.add_argument("--effective-batch", metavar="ROWS", help="per device x accumulation x processes")
    group.add_argument("--tracking", choices=TRACKERS)
    group.add_argument("--project", metavar="NAME|none", help="Trackio project")
    group.add_argument("--space", metavar="ID|none", help="Trackio Space; none: local")
    group.add_argument("--hub-id", metavar="ID|none", help="where the model is uploaded; none: nowhere")
    private = group.add_mutually_exclusive_group()
    private.add_argument("--private", action="store_true", default=None, help="the model's repository is private (default)")
    private.add_argument("--public", dest="private", action="store_false", help="… is public")
    group.add_argument("--where", choices=PLACES)
    group.add_argument("--account", metavar="NAME|none", help="user or organisation that pays for jobs")
    group.add_argument("--spend-cap", metavar="USD", help="for all runs of the task together; default 0: no paid job")
    group.add_argument("--spend-cap-day", metavar="USD|none", help="within any 24 hours")
    group.add_argument("--deadline", metavar="TIME|none", help="2026-12-01T18:00:00Z")
    group.add_argument("--time-budget", metavar="SPAN|none", help="counted from the agreement: 90m, 2h, 1h30m")
    group.add_argument("--from", dest="json_file", metavar="FILE", help="a JSON object with terms, - for stdin; options win")


def run(args: argparse.Namespace, context: Context) -> Report:
    task = task_for(Path())
    if args.reason and args.action not in ("change", "close"):
        hint = "the user's words go into --request" if args.action == "agree" else "see `task --help`"
        raise UsageError("--reason belongs to change and close", hint=hint)
    if args.action == "agree":
        folder = task.path.parent if task is not None else project_files.home(Path())
        return _report(*agreeing.agree(folder, _terms_of(args, {})))
    terms = _terms_of(args, task.values if task is not None else {})
    if terms and args.action != "change":
        raise UsageError(f"`task {args.action}` takes no terms", hint="`task change --reason …` sets another term")
    if task is None:
        raise NotFound("no task is on file in this project", hint="`task agree …` (see `task --help`)")
    if task.problem:
        hint = "repair it or move it away, then `task agree`; .ml-intern/plan.md may say what was agreed"
        raise BadData(f"{task.path} cannot be read: {task.problem}", hint=hint)
    if args.action == "show":
        return _report(task, False)
    if args.action == "close":
        return _report(agreeing.close(task, args.reason), True)
    if not (args.reason or "").strip():
        raise UsageError("a change needs --reason: who decided it, and why", hint='--reason "user: …"')
    if not terms:
        raise UsageError("no term to change was given", hint="give a term: see `task --help`")
    after, changes = agreeing.change(task, terms, args.reason)
    return _report(after, bool(changes), changes)


def _report(task: Task, written: bool, changes: dict[str, Any] | None = None) -> Report:
    ends = task.ends_at
    own_fields = {"path": str(task.path), "ends_at": stamp(ends) if ends else None, "written": written, "changes": changes or {}}
    fields = {name: task.values.get(name) for name in (*REQUIRED, *OPTIONAL) if name != "schema"}
    status = "failed" if task.faults else "ok"
    report = Report("task", status, {**fields, **own_fields, "faults": list(task.faults)})  # type: ignore[arg-type]
    if ends is not None and task.open:
        left_s = (ends - now()).total_seconds()
        report.warnings += [f"the agreed time has been over for {span(-left_s)}"] if left_s <= 0 else []
    return report


def _terms_of(args: argparse.Namespace, on_file: Mapping[str, Any]) -> dict[str, Any]:
    """The terms given on the command line; parts of `tracking` and `hub` are merged into those of `on_file`.

    Raises:
        UsageError: an option or the JSON is malformed, or names an entry that is not a term.
    """
    terms = _from_json(args.json_file) if args.json_file else {}
    options: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "request": (args.request, str),
        "method": (args.method, str),
        "adapter": (args.adapter, str),
        "where": (args.where, str),
        "base_model": (args.base_model, lambda text: _repository(text, ("revision",))),
        "datasets": (args.dataset, lambda texts: [_repository(text, ("config", "split", "revision")) for text in texts]),
        "max_length": (args.max_length, lambda text: _figure("--max-length", text, whole=True)),
        "effective_batch": (args.effective_batch, lambda text: _figure("--effective-batch", text, whole=True)),
        "spend_cap_usd": (args.spend_cap, lambda text: _figure("--spend-cap", text)),
        "spend_cap_usd_per_day": (args.spend_cap_day, lambda text: _figure("--spend-cap-day", text)),
        "account": (args.account, _absent),
        "deadline": (args.deadline, _absent),
        "time_budget_s": (args.time_budget, lambda text: None if text in _NONE else seconds(text)),
    }
    terms |= {name: read(value) for name, (value, read) in options.items() if value is not None}
    tracking = {"tool": args.tracking, "project": args.project, "space_id": args.space}
    _put_parts(terms, "tracking", tracking, on_file)
    _put_parts(terms, "hub", {"model_id": args.hub_id, "private": args.private}, on_file)
    return terms


def _absent(text: str) -> str | None:
    return None if text.strip().lower() in _NONE else text.strip()


def _figure(option: str, text: str, *, whole: bool = False) -> float | int | None:
    if text.strip().lower() in _NONE:
        return None
    try:
        value: float | int = int(text) if whole else float(text.removeprefix("$"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        kind = "a whole number" if whole else "a number of dollars"
        raise UsageError(f"{option} {clean(text, limit=60)!r} is not {kind}", hint="give digits, or none")
    return value


def _repository(text: str, parts: tuple[str, ...]) -> dict[str, Any]:
    """The entry for `owner/name,split=train`; a comma that no part name follows belongs to the path."""
    name, *rest = text.split(",")
    entry: dict[str, Any] = {"id": "", **{part: None for part in parts if part != "revision"}, "revision": "main"}
    for piece in rest:
        key, sign, value = piece.partition("=")
        if sign and key.strip() in parts:
            entry[key.strip()] = value.strip() or None
        elif sign and key.strip().isidentifier():
            message = f"{clean(text, limit=100)!r}: {clean(key, limit=40)!r} is not one of its parts"
            raise UsageError(message, hint=f"parts: {', '.join(parts)}")
        else:
            name += f",{piece}"
    return {**entry, "id": name.strip(), "revision": entry["revision"] or "main"}


def _put_parts(terms: dict[str, Any], name: str, parts: dict[str, Any], on_file: Mapping[str, Any]) -> None:
    """Set the given parts of a term that is an object; its other parts come from the JSON, the file or the defaults."""
    values = {part: _absent(value) if isinstance(value, str) and part != "tool" else value for part, value in parts.items()}
    changed = {part: values[part] for part, value in parts.items() if value is not None}
    if changed:
        current = terms.get(name, on_file.get(name))
        terms[name] = {**DEFAULTS[name], **(current if isinstance(current, dict) else {}), **changed}
    if name == "tracking" and changed.get("tool") == "none":
        terms[name] |= {"project": changed.get("project"), "space_id": changed.get("space_id")}


def _from_json(name: str) -> dict[str, Any]:
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES // 1024} KiB")
        values = json.loads(data)
    except (OSError, ValueError, RecursionError, AttributeError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise UsageError(f"--from {clean(name, limit=200)}: {clean(reason, limit=120)}", hint="give a JSON object") from err
    if not isinstance(values, dict):
        raise UsageError(f"--from {clean(name, limit=200)} does not contain a JSON object", hint='{"method": "sft", …}')
    unknown = [key for key in values if key not in TERMS and key not in _BOOKKEEPING]
    if unknown:
        similar = difflib.get_close_matches(unknown[0], TERMS, 1)
        hint = f"did you mean {similar[0]}?" if similar else f"terms: {', '.join(TERMS)}"
        raise UsageError(f"--from: {clean(unknown[0], limit=60)!r} is not a term of a task", hint=hint)
    return {key: value for key, value in values.items() if key in TERMS}


def render(report: Report) -> str:
    """The task on one screen: the verdict, the terms, then the history of changes."""
    fields = report.fields
    word = "CLOSED" if fields["state"] == "closed" else "OPEN"
    if fields["faults"]:
        word = f"MALFORMED ({len(fields['faults'])} fault{'s' if len(fields['faults']) > 1 else ''}): {word}"
    elif fields["changes"]:
        word = f"CHANGED ({', '.join(fields['changes'])}): {word}"
    elif fields["written"] and word == "OPEN":
        word = "AGREED: OPEN"
    model = _part(fields, "base_model", "id")
    lines = [
        f"{word}: {_text(fields['method'])} ({_text(fields['adapter'])}) of {model}, {_text(fields['where'])}",
        *_terms(fields),
        *_history(fields),
    ]
    lines += [f"  fault      {clean(fault, limit=_WIDE)}" for fault in fields["faults"][:_MOST_CHANGES]]
    return "\n".join([*lines, f"  file       {clean(fields['path'])}"])


def _terms(fields: dict[str, Any]) -> Iterator[str]:
    yield f"  request    {_text(fields['request'])}"
    yield f"  model      {_part(fields, 'base_model', 'id')} @ {_part(fields, 'base_model', 'revision')}"
    datasets = fields["datasets"] if isinstance(fields["datasets"], list) else []
    for dataset in datasets[:_MOST_DATASETS]:
        if isinstance(dataset, dict):
            parts = ", ".join(f"{part} {_text(dataset[part])}" for part in ("config", "split") if dataset.get(part))
            yield f"  dataset    {_text(dataset.get('id'))} @ {_text(dataset.get('revision'))}{': ' if parts else ''}{parts}"
        else:
            yield "  dataset    ?"
    if len(datasets) > _MOST_DATASETS:
        yield f"             and {len(datasets) - _MOST_DATASETS} more (--json has all)"
    yield f"  sizes      max_length {_text(fields['max_length'], 'none')}, effective batch {_text(fields['effective_batch'])}"
    tracking = [_part(fields, "tracking", part) for part in ("tool", "project", "space_id")]
    yield f"  tracking   {tracking[0]}, project {tracking[1]}, Space {tracking[2]}"
    private = {"True": "private", "False": "PUBLIC"}.get(_part(fields, "hub", "private"), "?")
    yield f"  upload     {_part(fields, 'hub', 'model_id', 'nothing')} ({private})"
    yield f"  money      {_money(fields)}"
    if fields["state"] != "closed":
        yield f"  time       {_time(fields)}"


def _money(fields: dict[str, Any]) -> str:
    cap, per_day = fields["spend_cap_usd"], fields["spend_cap_usd_per_day"]
    if not cap:
        return f"no paid job (cap 0); account {_text(fields['account'], 'none')}"
    day = f", at most {_text(per_day)} USD in 24 h" if per_day is not None else ""
    return f"at most {_text(cap)} USD{day}; account {_text(fields['account'], 'none')} pays (`budget` shows what is left)"


def _time(fields: dict[str, Any]) -> str:
    ends = parsed(fields["ends_at"])
    if ends is None:
        return "no limit"
    left_s = (ends - now()).total_seconds()
    remaining = f"{span(left_s)} left" if left_s > 0 else f"over since {span(-left_s)}"
    budget = fields["time_budget_s"]
    basis = f"; budget {span(budget)} from the agreement" if isinstance(budget, (int, float)) and budget else ""
    return f"until {clean(fields['ends_at'], limit=30)[:16]}Z ({remaining}{basis})"


def _history(fields: dict[str, Any]) -> Iterator[str]:
    entries = [entry for entry in fields["history"] if isinstance(entry, dict)] if isinstance(fields["history"], list) else []
    if len(entries) > _MOST_CHANGES:
        yield f"  history    {len(entries) - _MOST_CHANGES} earlier entries (--json has all)"
    for entry in entries[-_MOST_CHANGES:]:
        changes = entry["changes"].items() if isinstance(entry.get("changes"), dict) else ()
        listed = [
            f"{_text(name)} {_text(pair.get('from'), 'none')} -> {_text(pair.get('to'), 'none')}"
            if isinstance(pair, dict)
            else f"{_text(name)} ?"
            for name, pair in changes
        ]
        changed = f": {shorten('; '.join(listed), _WIDE)}" if listed else ""
        reason = f" ({_text(entry['reason'])})" if entry.get("reason") else ""
        yield f"  {clean(entry.get('at'), limit=40)[:16]}Z {_text(entry.get('action'))}{changed}{reason}"


def _part(fields: dict[str, Any], name: str, part: str, absent: str = "none") -> str:
    value = fields[name]
    return _text(value.get(part), absent) if isinstance(value, dict) else "?"


def _text(value: object, absent: str = "?") -> str:
    """A value as one shortened line; `absent` stands for a missing one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(value, limit=_WIDE) if value not in (None, "") else absent
