"""Reads the task that the user agreed to (`.ml-intern/task.json`) and checks it against docs/schemas/task.v1.json."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs import project_files
from ml_intern_helpers.runs.timestamps import parsed

SCHEMA = "ml-intern/task/v1"
METHODS = ("sft", "dpo", "grpo", "kto", "reward")
ADAPTERS = ("full", "lora", "qlora")
PLACES = ("local", "jobs")
TRACKERS = ("trackio", "none")
STATES = ("open", "closed")

#: A larger number in a task is rejected as a mistake or an attack.
LARGEST = 1e12

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
MAX_BYTES = 1024 * 1024


class Task(NamedTuple):
    """A task file.

    Attributes:
        path: the file's path.
        values: its content as written; `usable` gives only valid entries.
        problem: why the file as a whole cannot be read, "" if it can.
        faults: missing entries and those that violate the schema, one line each.
    """

    path: Path
    values: Mapping[str, Any] = MappingProxyType({})
    problem: str = ""
    faults: tuple[str, ...] = ()

    def usable(self, name: str, part: str = "") -> Any:
        """The value of one entry (`"method"`; `"hub", "model_id"`) if it is valid, else None; see `valid_entry`."""
        return valid_entry(self.values, name, part)

    @property
    def open(self) -> bool:
        """Whether the task is open: a file without a state is open, an unreadable one is not."""
        return not self.problem and self.values.get("state", "open") != "closed"

    @property
    def id(self) -> str | None:
        """The id that runs in the ledger name; None in a file that was written by hand."""
        value = self.usable("id")
        return str(value) if value is not None else None

    @property
    def cap_usd(self) -> float:
        """Dollars that all runs of the task together may cost; 0, also for a missing figure, means no paid job."""
        return float(self.usable("spend_cap_usd") or 0.0)

    @property
    def cap_usd_per_day(self) -> float | None:
        """Dollars that its runs may cost within any 24 hours; None without such a limit."""
        cap = self.usable("spend_cap_usd_per_day")
        return None if cap is None else float(cap)

    @property
    def agreed_at(self) -> datetime | None:
        return parsed(self.values.get("agreed_at"))

    @property
    def ends_at(self) -> datetime | None:
        """The earlier of the deadline and the end of the time budget, which starts at the agreement; None without either."""
        ends = [parsed(self.usable("deadline"))]
        budget, start = self.usable("time_budget_s"), self.agreed_at
        if budget is not None and start is not None:
            with suppress(OverflowError):
                ends.append(start + timedelta(seconds=float(budget)))
        return min((end for end in ends if end is not None), default=None)


def task_for(*starts: Path) -> Task | None:
    """The nearest task of the folders `starts` (a script's, then the working one); None when nothing was agreed on.

    Never raises: a file that cannot be read gives a `Task` with a `problem`.
    """
    path = project_files.task_path(*starts)
    return None if path is None else read_task(path)


def read_task(path: Path) -> Task:
    """The task file at `path`; one that cannot be read gives a `Task` with a `problem`."""
    try:
        if not path.is_file():
            return Task(path, problem="it is a broken link" if path.is_symlink() else "it is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return Task(path, problem=f"it is larger than {MAX_BYTES // 1024} KiB")
        values = json.loads(data, parse_constant=_no_number)
    except RecursionError:
        return Task(path, problem="it is nested too deep to be a task file")
    except OSError as err:
        return Task(path, problem=clean(err.strerror or err, limit=120))
    except ValueError as err:
        return Task(path, problem=f"it is not valid JSON: {clean(err, limit=120)}")
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        return Task(path, problem=f'its "schema" is not "{SCHEMA}"')
    return Task(path, values, faults=tuple(schema_problems(values)))


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def schema_problems(values: dict[str, Any]) -> list[str]:
    """Missing entries and those that violate the schema, one line each; unknown entries are ignored."""
    missing = [f"{name} is missing" for name in REQUIRED if name not in values]
    return missing + [problem for name in values if (problem := entry_problem(name, values[name]))]


def entry_problem(name: str, value: object) -> str:
    """How one entry violates the schema; "" if it is valid or unknown to the schema."""
    check = REQUIRED.get(name) or OPTIONAL.get(name)
    problem = check(value) if check else ""
    return f"{clean(name, limit=60)}: {problem}" if problem else ""


def valid_entry(values: Mapping[str, Any], name: str, part: str = "") -> Any:
    """The value of one entry, or of its `part`, if it is valid; None if it is missing or invalid.

    Entries are judged one by one: in a file written by hand, valid entries are used even if others are missing or wrong. Of
    `datasets`, only the entries with a valid id are returned.
    """
    value = values.get(name)
    if part:
        check = PARTS.get(name, {}).get(part)
        is_valid = check is not None and isinstance(value, dict) and part in value and not check(value[part])
        return value[part] if is_valid and isinstance(value, dict) else None
    if name in PARTS:
        return value if isinstance(value, dict) else None
    if name == "datasets":
        entries = value if isinstance(value, list) else []
        return [entry for entry in entries if isinstance(entry, dict) and not _text(entry.get("id"))] or None
    return value if name in values and not entry_problem(name, value) else None


def number(value: object) -> float | None:
    """`value` as a finite number of at most LARGEST; None for everything else (true, NaN, a thousand digits)."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        figure = float(value)
    except OverflowError:
        return None
    return figure if math.isfinite(figure) and abs(figure) <= LARGEST else None


#: A check returns "" for a valid value, else what the value must be.
Check = Callable[[object], str]


def _one_of(*names: str) -> Check:
    return lambda value: "" if isinstance(value, str) and value in names else f"must be one of {', '.join(names)}"


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value else "must be a non-empty string"


def _any_text(value: object) -> str:
    return "" if isinstance(value, str) else "must be a string"


def _optional(check: Check) -> Check:
    def checked(value: object) -> str:
        problem = "" if value is None else check(value)
        return f"{problem}, or null" if problem else ""

    return checked


def _count(value: object) -> str:
    figure = number(value)
    return "" if figure is not None and figure.is_integer() and figure >= 1 else "must be a whole number above 0"


def _dollars(value: object) -> str:
    figure = number(value)
    return "" if figure is not None and figure >= 0 else "must be an amount of dollars: a number from 0"


def _time(value: object) -> str:
    is_valid = isinstance(value, str) and _TIME.fullmatch(value) and parsed(value) is not None
    return "" if is_valid else "must be a time with its time zone, like 2026-12-01T18:00:00Z"


def _boolean(value: object) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _object(**parts: Check) -> Check:
    def checked(value: object) -> str:
        if not isinstance(value, dict):
            return f"must be an object with {', '.join(parts)}"
        for name, check in parts.items():
            problem = check(value[name]) if name in value else "is missing"
            if problem:
                return f"{name}: {problem}"
        return ""

    return checked


def _list(check: Check, least: int) -> Check:
    def checked(value: object) -> str:
        if not isinstance(value, list) or len(value) < least:
            return f"must be a list of {least} or more"
        return next((f"entry {number}: {problem}" for number, entry in enumerate(value, 1) if (problem := check(entry))), "")

    return checked


#: Terms that are objects, with the check of each part.
PARTS: dict[str, dict[str, Check]] = {
    "base_model": {"id": _text, "revision": _any_text},
    "tracking": {"tool": _one_of(*TRACKERS), "project": _optional(_text), "space_id": _optional(_text)},
    "hub": {"model_id": _optional(_text), "private": _boolean},
}
REQUIRED: dict[str, Check] = {
    "schema": _one_of(SCHEMA),
    "request": _any_text,
    "method": _one_of(*METHODS),
    "adapter": _one_of(*ADAPTERS),
    "base_model": _object(**PARTS["base_model"]),
    "datasets": _list(_object(**PARTS["base_model"], config=_optional(_text), split=_optional(_text)), 1),
    "max_length": _optional(_count),
    "effective_batch": _count,
    "tracking": _object(**PARTS["tracking"]),
    "hub": _object(**PARTS["hub"]),
    "where": _one_of(*PLACES),
    "account": _optional(_text),
    "spend_cap_usd": _dollars,
    "deadline": _optional(_time),
}
#: Absent from files written by hand or by earlier releases; docs/schemas/task.v1.json says what absence means.
OPTIONAL: dict[str, Check] = {
    "id": _text,
    "state": _one_of(*STATES),
    "spend_cap_usd_per_day": _optional(_dollars),
    "time_budget_s": _optional(_count),
    "agreed_at": _time,
    "closed_at": _optional(_time),
    "history": _list(_object(at=_time, action=_one_of("agreed", "changed", "closed"), reason=_optional(_text)), 0),
}
