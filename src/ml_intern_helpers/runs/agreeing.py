"""Writes the task file: agrees on a task, changes it with a reason, closes it.

Each action reads, checks and writes the file durably under one lock. Well-formed terms that contradict each other, lie in the
past or are impossible (`implausible`) are not written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData, ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.text import clean, clean_tree
from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import project_files
from ml_intern_helpers.runs.contract import MAX_BYTES, SCHEMA, Task, read_task, schema_problems
from ml_intern_helpers.runs.project_files import cannot_write, locked
from ml_intern_helpers.runs.timestamps import LONGEST_SPAN_S, now, parsed, stamp

#: The terms that a user agrees to; all other entries of the file are bookkeeping.
TERMS = (
    "request", "method", "adapter", "base_model", "datasets", "max_length", "effective_batch", "tracking", "hub", "where",
    "account", "spend_cap_usd", "spend_cap_usd_per_day", "deadline", "time_budget_s",
)  # fmt: skip
#: The option of each required term.
OPTIONS = {
    "request": "--request", "method": "--method", "adapter": "--adapter", "base_model": "--base-model", "datasets": "--dataset",
    "max_length": "--max-length", "effective_batch": "--effective-batch", "where": "--where",
}  # fmt: skip
#: Defaults of terms that the user did not mention. Method, model, data, sizes and place have none: they are required.
DEFAULTS: dict[str, Any] = {
    "tracking": {"tool": "trackio", "project": None, "space_id": None},
    "hub": {"model_id": None, "private": True},
    "account": None,
    "spend_cap_usd": 0,
    "spend_cap_usd_per_day": None,
    "deadline": None,
    "time_budget_s": None,
}

_REPOSITORY = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][\w.-]{0,95}(?:/[A-Za-z0-9_][\w.-]{0,95})?(?<![.-])", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
#: More rows per update are taken for a typing error: published fine-tuning runs use fewer.
_MOST_ROWS = 1_000_000
_MOST_TOKENS = 100_000_000
_MOST_USD = 1_000_000


class Refused(ToolError):
    """The request contradicts the task on file (exit code 1)."""

    code = "refused"
    exit_code = 1


def agree(folder: Path, terms: dict[str, Any]) -> tuple[Task, bool]:
    """Write a new task in `folder` (`.ml-intern`); a closed one there is moved to `tasks/`.

    Args:
        terms: entries of TERMS; missing ones get their value in DEFAULTS.

    Returns:
        The task, and whether anything was written (the same terms again change nothing).

    Raises:
        UsageError: the terms are incomplete, malformed or contradictory.
        Refused: another task is open here.
        BadData: the present task file cannot be read.
        Unavailable: the folder is locked or cannot be written.
    """
    at = stamp(now())
    name = f"task-{at[:19].replace('-', '').replace(':', '')}-{os.urandom(3).hex()}"
    first_entry: dict[str, Any] = {"at": at, "action": "agreed", "reason": None, "changes": {}}
    complete_terms = {**DEFAULTS, **_clean(terms)}
    values = {
        "schema": SCHEMA,
        "id": name,
        "state": "open",
        **{term: complete_terms[term] for term in TERMS if term in complete_terms},
    }
    values |= {"agreed_at": at, "closed_at": None, "history": [first_entry]}
    _check(values)
    with locked(folder):
        current = _readable(folder)
        if current is not None and current.open:
            if all(current.values.get(term) == values.get(term) for term in TERMS):
                return current, False
            hint = "see `task show`; then `task change --reason …` sets another term, and `task close` ends the task"
            raise Refused(f"a task is already open: {current.path}", hint=hint)
        if current is not None:
            _archive(current)
        return _write(folder / project_files.TASK, values), True


def change(task: Task, terms: dict[str, Any], reason: str) -> tuple[Task, dict[str, Any]]:
    """Change terms of an open task and record the reason.

    Returns:
        The changed task, and the changes as `{term: {from, to}}`; empty if nothing changed.

    Raises:
        UsageError, BadData, Unavailable: as in `agree`.
        Refused: the task is closed.
    """
    with locked(task.path.parent):
        before = _open_task(task.path)
        values = {**before.values, **_clean(terms)}
        changes = dict(pair for term in terms for pair in _changes(term, before.values.get(term), values[term]))
        if not changes:
            return before, {}
        _check(values)
        values.setdefault("agreed_at", stamp(now()))
        return _write(task.path, _with_entry(values, "changed", reason, changes)), changes


def close(task: Task, reason: str | None) -> Task:
    """Close the task: launches are no longer checked against it. Raises as `change` does."""
    with locked(task.path.parent):
        before = _open_task(task.path)
        values = {**before.values, "state": "closed", "closed_at": stamp(now())}
        return _write(task.path, _with_entry(values, "closed", reason, {}))


def _changes(term: str, old: Any, new: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Changes such as `("max_length", {from, to})`; an object gives one for each part that differs (`tracking.project`)."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in {**old, **new}:
            yield from _changes(f"{term}.{part}", old.get(part), new.get(part))
    elif old != new:
        yield term, {"from": old, "to": new}


def _clean(terms: dict[str, Any]) -> dict[str, Any]:
    """The terms without control characters and tokens, because people and models read the file."""
    cleaned = clean_tree(terms, keep_newlines=True)
    assert isinstance(cleaned, dict)
    return {name: blanked(value) if isinstance(value, str) else value for name, value in cleaned.items()}


def _check(values: dict[str, Any]) -> None:
    missing = [OPTIONS[term] for term in OPTIONS if term not in values]
    if missing:
        hint = "give what the user said; where they left it open, take the recipe's value and tell the user"
        raise UsageError(f"a task needs {', '.join(missing)}", hint=hint)
    problems = schema_problems(values) or implausible(values, now())
    if problems:
        further = f" (and {len(problems) - 8} more)" if len(problems) > 8 else ""
        raise UsageError(
            "invalid task: " + "; ".join(problems[:8]) + further, hint="see `task --help` for how each term is given"
        )


def _readable(folder: Path) -> Task | None:
    path = folder / project_files.TASK
    if not os.path.lexists(path):
        return None
    task = read_task(path)
    if task.problem:
        hint = "repair it or move it away; .ml-intern/plan.md may say what was agreed"
        raise BadData(f"{path} cannot be read: {task.problem}", hint=hint)
    return task


def _open_task(path: Path) -> Task:
    task = _readable(path.parent)
    if task is None:
        raise Refused(f"{path} is gone", hint="it has been removed meanwhile; `task agree` records a new task")
    if not task.open:
        raise Refused(f"the task in {path} is closed", hint="`task agree` records a new one")
    return task


def _with_entry(values: dict[str, Any], action: str, reason: str | None, changes: dict[str, Any]) -> dict[str, Any]:
    clean_reason = blanked(clean(reason, limit=2000)) if reason else None
    history = values.get("history")
    entry = {"at": stamp(now()), "action": action, "reason": clean_reason, "changes": changes}
    return {**values, "history": [*(history if isinstance(history, list) else []), entry]}


def _write(path: Path, values: dict[str, Any]) -> Task:
    data = (json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")
    if len(data) > MAX_BYTES:
        raise UsageError(f"the task would be larger than {MAX_BYTES // 1024} KiB", hint="shorten the request")
    try:
        write_atomic(path, data, durable=True)
    except OSError as err:
        raise cannot_write(path, err) from err
    return read_task(path)


def _archive(task: Task) -> None:
    """Keep a copy of a closed task in `tasks/`."""
    name = clean(task.id or "task", limit=80).replace("/", "_").lstrip(".") or "task"
    target = task.path.parent / "tasks" / f"{name}.json"
    try:
        write_atomic(target, task.path.read_bytes(), durable=True)
    except OSError as err:
        raise cannot_write(target, err) from err


def implausible(values: dict[str, Any], at: datetime) -> list[str]:
    """Why well-formed terms cannot be what the user meant, one line each."""
    return [*_names(values), *_sizes(values), *_money_and_place(values), *_times(values, at)]


def _names(values: dict[str, Any]) -> Iterator[str]:
    if not values["request"].strip():
        yield "request: the user's own words are missing (--request)"
    for term, entry in [("base_model", values["base_model"]), *(("datasets", entry) for entry in values["datasets"])]:
        if not _REPOSITORY.fullmatch(entry["id"]) and not _is_path(entry["id"]):
            yield f"{term}: {clean(entry['id'], limit=80)!r} is neither a Hub id (owner/name) nor a path"
    ids = [(entry["id"], entry["config"], entry["split"]) for entry in values["datasets"]]
    if len(set(ids)) < len(ids):
        yield "datasets: the same dataset is named twice"
    hub = values["hub"]["model_id"]
    if hub is not None and not _REPOSITORY.fullmatch(hub):
        yield f"hub: {clean(hub, limit=80)!r} is not a Hub id (owner/name)"
    if values["account"] is not None and not _NAME.fullmatch(values["account"]):
        yield f"account: {clean(values['account'], limit=80)!r} is not the name of a user or an organisation"


def _is_path(text: str) -> bool:
    return text.isprintable() and (text.startswith(("/", "./", "../", "~/")) or os.path.lexists(text))


def _sizes(values: dict[str, Any]) -> Iterator[str]:
    if values["effective_batch"] > _MOST_ROWS:
        yield f"effective_batch: {values['effective_batch']} rows per update are implausibly many"
    if values["max_length"] is not None and values["max_length"] > _MOST_TOKENS:
        yield f"max_length: {values['max_length']} tokens are more than any model reads at once"
    if values["method"] == "grpo" and values["max_length"] is not None:
        yield "max_length: GRPO has no max_length (the script sets prompt and completion lengths): give none"
    if values["tracking"]["tool"] == "none" and (values["tracking"]["project"] or values["tracking"]["space_id"]):
        yield "tracking: a project or a Space is named although tracking is none"


def _money_and_place(values: dict[str, Any]) -> Iterator[str]:
    per_day = values.get("spend_cap_usd_per_day")
    if max(values["spend_cap_usd"], per_day or 0) > _MOST_USD:
        yield f"spend_cap_usd: more than {_MOST_USD:,} dollars looks like a typing error"
    if per_day is not None and per_day > values["spend_cap_usd"]:
        yield f"spend_cap_usd_per_day: {per_day:g} a day is more than {values['spend_cap_usd']:g} for the whole task"
    if values["where"] == "jobs" and values["account"] is None:
        yield "account: give the user or organisation that pays for the jobs (`detect_compute` lists them)"
    if values["where"] == "local" and values["spend_cap_usd"] > 0:
        yield "spend_cap_usd: runs on this machine cost nothing, but a spend cap is given with --where local: which is meant?"


def _times(values: dict[str, Any], at: datetime) -> Iterator[str]:
    deadline = parsed(values["deadline"])
    if deadline is not None and deadline <= at and values.get("state", "open") == "open":
        yield f"deadline: {values['deadline']} has passed"
    if (values.get("time_budget_s") or 0) > LONGEST_SPAN_S:
        yield "time_budget_s: more than a year"
