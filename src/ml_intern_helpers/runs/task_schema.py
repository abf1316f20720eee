"""What stands in a task file (docs/schemas/task.v1.json), as a check that needs nothing installed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs.when import parsed

SCHEMA = "ml-intern/task/v1"
METHODS = ("sft", "dpo", "grpo", "kto", "reward")
ADAPTERS = ("full", "lora", "qlora")
PLACES = ("local", "jobs")
TRACKERS = ("trackio", "none")
STATES = ("open", "closed")

#: No figure of a task comes near; what lies beyond is an accident or an attack.
LARGEST = 1e12

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
#: A check returns "" for a good value, else what the value should be.
Check = Callable[[object], str]


def _one_of(*names: str) -> Check:
    return lambda value: "" if isinstance(value, str) and value in names else f"must be one of {', '.join(names)}"


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value else "must be a text"


def _any_text(value: object) -> str:
    return "" if isinstance(value, str) else "must be a text"


def _optional(check: Check) -> Check:
    def checked(value: object) -> str:
        told = "" if value is None else check(value)
        return f"{told}, or null" if told else ""

    return checked


def _count(value: object) -> str:
    found = number(value)
    return "" if found is not None and found.is_integer() and found >= 1 else "must be a whole number above 0"


def _dollars(value: object) -> str:
    found = number(value)
    return "" if found is not None and found >= 0 else "must be dollars: a number from 0"


def number(value: object) -> float | None:
    """`value` as a number that can be computed with, None for everything else (true, NaN, one of a thousand digits)."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and abs(found) <= LARGEST else None


def _time(value: object) -> str:
    good = isinstance(value, str) and _TIME.fullmatch(value) and parsed(value) is not None
    return "" if good else "must be a time with its zone, like 2026-12-01T18:00:00Z"


def _boolean(value: object) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _object(**parts: Check) -> Check:
    def checked(value: object) -> str:
        if not isinstance(value, dict):
            return f"must be an object with {', '.join(parts)}"
        for name, check in parts.items():
            told = check(value[name]) if name in value else "is missing"
            if told:
                return f"{name}: {told}"
        return ""

    return checked


def _list(check: Check, least: int) -> Check:
    def checked(value: object) -> str:
        if not isinstance(value, list) or len(value) < least:
            return f"must be a list of {least} or more"
        return next((f"entry {number}: {told}" for number, one in enumerate(value, 1) if (told := check(one))), "")

    return checked


#: Terms that are objects, part by part.
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
#: Absent from files written by hand or by earlier releases; what absence means stands in docs/schemas/task.v1.json.
OPTIONAL: dict[str, Check] = {
    "id": _text,
    "state": _one_of(*STATES),
    "spend_cap_usd_per_day": _optional(_dollars),
    "time_budget_s": _optional(_count),
    "agreed_at": _time,
    "closed_at": _optional(_time),
    "history": _list(_object(at=_time, action=_one_of("agreed", "changed", "closed"), reason=_optional(_text)), 0),
}


def faults(values: dict[str, Any]) -> list[str]:
    """What is missing or is not what the schema says, one line each; entries of other names are left alone."""
    missing = [f"{name} is missing" for name in REQUIRED if name not in values]
    return missing + [told for name in values if (told := fault(name, values[name]))]


def fault(name: str, value: object) -> str:
    """What is wrong with one entry, "" when nothing is or when the schema does not know it."""
    check = REQUIRED.get(name) or OPTIONAL.get(name)
    told = check(value) if check else ""
    return f"{clean(name, limit=60)}: {told}" if told else ""


def readable(values: Mapping[str, Any], name: str, part: str = "") -> Any:
    """What can be relied on of one entry, None where there is nothing.

    A file by hand may lack a revision, or have one entry wrong: what is right in it binds all the same.
    """
    value = values.get(name)
    if part:
        check = PARTS.get(name, {}).get(part)
        known = check is not None and isinstance(value, dict) and part in value and not check(value[part])
        return value[part] if known and isinstance(value, dict) else None
    if name in PARTS:
        return value if isinstance(value, dict) else None
    if name == "datasets":
        entries = value if isinstance(value, list) else []
        return [one for one in entries if isinstance(one, dict) and not _text(one.get("id"))] or None
    return value if name in values and not fault(name, value) else None
