"""A task on one screen: the verdict first, then what was agreed, then what changed since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.text import clean, shorten
from ml_intern_helpers.runs.when import now, parsed, span

_MOST_CHANGES = 8
_MOST_DATASETS = 8
_WIDE = 160


def text_of(fields: dict[str, Any]) -> str:
    """The screen for the fields of a `task` report; texts of the file are cleaned and cut."""
    lines = [_verdict(fields), *_terms(fields), *_history(fields)]
    lines += [f"  fault      {clean(one, limit=_WIDE)}" for one in fields["faults"][:_MOST_CHANGES]]
    return "\n".join([*lines, f"  file       {clean(fields['path'])}"])


def _verdict(fields: dict[str, Any]) -> str:
    word = "CLOSED" if fields["state"] == "closed" else "OPEN"
    if fields["faults"]:
        word = f"MALFORMED ({len(fields['faults'])} fault{'s' if len(fields['faults']) > 1 else ''}): {word}"
    elif fields["changes"]:
        word = f"CHANGED ({', '.join(fields['changes'])}): {word}"
    elif fields["written"] and word == "OPEN":
        word = "AGREED: OPEN"
    model = _part(fields, "base_model", "id")
    return f"{word}: {_said(fields['method'])} ({_said(fields['adapter'])}) of {model}, {_said(fields['where'])}"


def _terms(fields: dict[str, Any]) -> Iterator[str]:
    yield f"  request    {_said(fields['request'])}"
    yield f"  model      {_part(fields, 'base_model', 'id')} @ {_part(fields, 'base_model', 'revision')}"
    datasets = fields["datasets"] if isinstance(fields["datasets"], list) else []
    for one in datasets[:_MOST_DATASETS]:
        yield f"  dataset    {_dataset(one)}"
    if len(datasets) > _MOST_DATASETS:
        yield f"             and {len(datasets) - _MOST_DATASETS} more (--json has all)"
    yield f"  sizes      max_length {_said(fields['max_length'], 'none')}, effective batch {_said(fields['effective_batch'])}"
    tracking = [_part(fields, "tracking", part) for part in ("tool", "project", "space_id")]
    yield f"  tracking   {tracking[0]}, project {tracking[1]}, Space {tracking[2]}"
    private = {"True": "private", "False": "PUBLIC"}.get(_part(fields, "hub", "private"), "?")
    yield f"  upload     {_part(fields, 'hub', 'model_id', 'nothing')} ({private})"
    yield f"  money      {_money(fields)}"
    if fields["state"] != "closed":
        yield f"  time       {_time(fields)}"


def _dataset(one: object) -> str:
    if not isinstance(one, dict):
        return "?"
    parts = [f"{part} {_said(one[part])}" for part in ("config", "split") if one.get(part)]
    return f"{_said(one.get('id'))} @ {_said(one.get('revision'))}{': ' if parts else ''}{', '.join(parts)}"


def _money(fields: dict[str, Any]) -> str:
    cap, per_day = fields["spend_cap_usd"], fields["spend_cap_usd_per_day"]
    if not cap:
        return f"no paid job (cap 0); account {_said(fields['account'], 'none')}"
    day = f", at most {_said(per_day)} USD in 24 h" if per_day is not None else ""
    return f"at most {_said(cap)} USD{day}; account {_said(fields['account'], 'none')} pays (`budget` shows what is left)"


def _time(fields: dict[str, Any]) -> str:
    ends = parsed(fields["ends_at"])
    if ends is None:
        return "no limit"
    left = (ends - now()).total_seconds()
    told = f"{span(left)} left" if left > 0 else f"over since {span(-left)}"
    budget = fields["time_budget_s"]
    basis = f"; budget {span(budget)} from the agreement" if isinstance(budget, (int, float)) and budget else ""
    return f"until {clean(fields['ends_at'], limit=30)[:16]}Z ({told}{basis})"


def _history(fields: dict[str, Any]) -> Iterator[str]:
    entries = [one for one in fields["history"] if isinstance(one, dict)] if isinstance(fields["history"], list) else []
    if len(entries) > _MOST_CHANGES:
        yield f"  history    {len(entries) - _MOST_CHANGES} earlier entries (--json has all)"
    for one in entries[-_MOST_CHANGES:]:
        changes = one.get("changes")
        told = [f"{_said(name)} {_value(pair)}" for name, pair in changes.items()] if isinstance(changes, dict) else []
        reason = f" ({_said(one['reason'])})" if one.get("reason") else ""
        what = shorten("; ".join(told), _WIDE)
        yield f"  {clean(one.get('at'), limit=40)[:16]}Z {_said(one.get('action'))}{': ' if what else ''}{what}{reason}"


def _value(pair: object) -> str:
    if not isinstance(pair, dict):
        return "?"
    return f"{_said(pair.get('from'), 'none')} -> {_said(pair.get('to'), 'none')}"


def _part(fields: dict[str, Any], name: str, part: str, absent: str = "none") -> str:
    value = fields[name]
    return _said(value.get(part), absent) if _is(value) else "?"


def _is(value: object) -> bool:
    return isinstance(value, dict)


def _said(value: object, absent: str = "?") -> str:
    """One value, on one line, cut."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(value, limit=_WIDE) if value not in (None, "") else absent
