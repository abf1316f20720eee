"""Writing the task contract: agree, change with a reason, close. Each is one locked read, one check, one durable write."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData, ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.text import clean, clean_tree
from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import places
from ml_intern_helpers.runs.contract import MAX_BYTES, Task, read_task
from ml_intern_helpers.runs.locking import cannot_write, locked
from ml_intern_helpers.runs.nonsense import nonsense
from ml_intern_helpers.runs.task_schema import SCHEMA, faults
from ml_intern_helpers.runs.when import now, stamp

#: What a user agrees to; everything else in the file is bookkeeping.
TERMS = (
    "request", "method", "adapter", "base_model", "datasets", "max_length", "effective_batch", "tracking", "hub", "where",
    "account", "spend_cap_usd", "spend_cap_usd_per_day", "deadline", "time_budget_s",
)  # fmt: skip
#: The option of each term that has to be said.
OPTIONS = {
    "request": "--request", "method": "--method", "adapter": "--adapter", "base_model": "--base-model", "datasets": "--dataset",
    "max_length": "--max-length", "effective_batch": "--effective-batch", "where": "--where",
}  # fmt: skip
#: What holds when the user said nothing of it. Method, model, data, sizes and place have no such value: they must be said.
UNSAID: dict[str, Any] = {
    "tracking": {"tool": "trackio", "project": None, "space_id": None},
    "hub": {"model_id": None, "private": True},
    "account": None,
    "spend_cap_usd": 0,
    "spend_cap_usd_per_day": None,
    "deadline": None,
    "time_budget_s": None,
}


class Refused(ToolError):
    """What was asked goes against what is on file (exit code 1)."""

    code = "refused"
    exit_code = 1


def agree(folder: Path, terms: dict[str, Any]) -> tuple[Task, bool]:
    """Put a new task on file in `folder` (`.ml-intern`); the one that was closed there moves to `tasks/`.

    Args:
        terms: entries of TERMS; what is left out gets its value of UNSAID.

    Returns:
        The task, and whether anything was written (the same terms again change nothing).

    Raises:
        UsageError: the terms are incomplete, malformed or contradictory.
        Refused: another task is open here.
        BadData: what lies there cannot be read.
        Unavailable: the folder is locked or cannot be written.
    """
    at = stamp(now())
    name = f"task-{at[:19].replace('-', '').replace(':', '')}-{os.urandom(3).hex()}"
    first: dict[str, Any] = {"at": at, "action": "agreed", "reason": None, "changes": {}}
    said = {**UNSAID, **_clean(terms)}
    values = {"schema": SCHEMA, "id": name, "state": "open", **{term: said[term] for term in TERMS if term in said}}
    values |= {"agreed_at": at, "closed_at": None, "history": [first]}
    _check(values)
    with locked(folder):
        before = _readable(folder)
        if before is not None and before.open:
            if all(before.values.get(term) == values.get(term) for term in TERMS):
                return before, False
            hint = "task show; then `task change --reason …` for another term, or `task close` when it is done"
            raise Refused(f"a task is open already: {before.path}", hint=hint)
        if before is not None:
            _archive(before)
        return _write(folder / places.TASK, values), True


def change(task: Task, terms: dict[str, Any], reason: str) -> tuple[Task, dict[str, Any]]:
    """Set other terms in an open task, with the reason on file.

    Returns:
        The task as it is now, and `{term: {from, to}}` of what changed; empty when nothing did.

    Raises:
        UsageError, BadData, Unavailable: as in `agree`.
        Refused: the task is closed.
    """
    with locked(task.path.parent):
        before = _open_one(task.path)
        values = {**before.values, **_clean(terms)}
        changes = dict(pair for term in terms for pair in _changes(term, before.values.get(term), values[term]))
        if not changes:
            return before, {}
        _check(values)
        values.setdefault("agreed_at", stamp(now()))
        return _write(task.path, _with_entry(values, "changed", reason, changes)), changes


def close(task: Task, reason: str | None) -> Task:
    """Say that the work is over: nothing is held to the task any more. Raises as `change` does."""
    with locked(task.path.parent):
        before = _open_one(task.path)
        values = {**before.values, "state": "closed", "closed_at": stamp(now())}
        return _write(task.path, _with_entry(values, "closed", reason, {}))


def _changes(term: str, old: Any, new: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """`("max_length", {from, to})`; of an object each part that differs (`tracking.project`)."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in {**old, **new}:
            yield from _changes(f"{term}.{part}", old.get(part), new.get(part))
    elif old != new:
        yield term, {"from": old, "to": new}


def _clean(terms: dict[str, Any]) -> dict[str, Any]:
    """Strangers' characters out, tokens blanked: the file is read by people and by models."""
    cleaned = clean_tree(terms, keep_newlines=True)
    assert isinstance(cleaned, dict)
    return {name: blanked(value) if isinstance(value, str) else value for name, value in cleaned.items()}


def _check(values: dict[str, Any]) -> None:
    absent = [OPTIONS[term] for term in OPTIONS if term not in values]
    if absent:
        hint = "give what the user said; what they left open is the recipe's value, and is said to them"
        raise UsageError(f"a task needs {', '.join(absent)}", hint=hint)
    found = faults(values) or nonsense(values, now())
    if found:
        more = f" (and {len(found) - 8} more)" if len(found) > 8 else ""
        raise UsageError("this is no task: " + "; ".join(found[:8]) + more, hint="see `task --help` for how each term is given")


def _readable(folder: Path) -> Task | None:
    path = folder / places.TASK
    if not os.path.lexists(path):
        return None
    found = read_task(path)
    if found.problem:
        hint = "move it away or mend it; what was agreed may be read in .ml-intern/plan.md"
        raise BadData(f"{path} cannot be read: {found.problem}", hint=hint)
    return found


def _open_one(path: Path) -> Task:
    found = _readable(path.parent)
    if found is None:
        raise Refused(f"{path} is gone", hint="another session removed it: `task agree` puts a task on file")
    if not found.open:
        raise Refused(f"the task in {path} is closed", hint="`task agree` puts a new one on file")
    return found


def _with_entry(values: dict[str, Any], action: str, reason: str | None, changes: dict[str, Any]) -> dict[str, Any]:
    said = blanked(clean(reason, limit=2000)) if reason else None
    history = values.get("history")
    entry = {"at": stamp(now()), "action": action, "reason": said, "changes": changes}
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
    """Keep a closed task: what was agreed once must stay readable."""
    name = clean(task.id or "task", limit=80).replace("/", "_").lstrip(".") or "task"
    target = task.path.parent / "tasks" / f"{name}.json"
    try:
        write_atomic(target, task.path.read_bytes(), durable=True)
    except OSError as err:
        raise cannot_write(target, err) from err
