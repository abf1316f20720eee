"""A budget on one screen: what is left first, then the caps, then the runs, newest last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.runs.when import span

_WORDS = {"within": "YES", "over": "NO, OVER THE CAP", "no_cap": "NO", "unknown": "COULD NOT TELL"}


def text_of(fields: dict[str, Any]) -> str:
    """The screen for the fields of a `budget` report."""
    return "\n".join([_verdict(fields), *_limits(fields), *_runs(fields), *_notes(fields)])


def _verdict(fields: dict[str, Any]) -> str:
    if fields["verdict"]:
        return f"{_WORDS[fields['verdict']]}: {fields['reason']}"
    limit = fields["task_limit"]
    if limit is None:
        return f"NO CAP: {fields['reason'] or 'nothing was agreed'}"
    if fields["damaged_lines"] or limit["unknown"]:
        return "COULD NOT TELL what is left: see below"
    closest = min((one for one in (limit, fields["day_limit"]) if one is not None), key=lambda one: float(one["left_usd"]))
    when = "" if closest is limit else " in these 24 h"
    word = "OVER THE CAP" if closest["settled_usd"] + closest["reserved_usd"] > closest["cap_usd"] + 0.0001 else "LEFT"
    reason = f" ({fields['reason']})" if fields["reason"] else ""
    return f"{word}: {closest['left_usd']:.2f} of {closest['cap_usd']:.2f} USD{when}{reason}"


def _limits(fields: dict[str, Any]) -> Iterator[str]:
    for name, limit in (("task", fields["task_limit"]), ("24 h", fields["day_limit"])):
        if limit is not None:
            unknown = f", {limit['unknown']} runs of unknown cost" if limit["unknown"] else ""
            yield (
                f"  {name:<5} cap {limit['cap_usd']:.2f}  spent {limit['settled_usd']:.2f}  "
                f"set aside {limit['reserved_usd']:.2f}  left {limit['left_usd']:.2f}{unknown}"
            )
    if fields["account"]:
        yield f"  paid by {fields['account']}"


def _runs(fields: dict[str, Any]) -> Iterator[str]:
    hidden = fields["runs_total"] - len(fields["runs"])
    if hidden:
        yield f"  {hidden} earlier runs are not listed (--all lists them)"
    if not fields["runs_total"]:
        yield "  no run is on file"
    for one in fields["runs"]:
        kind = "spent at most (estimated)" if one["estimated"] else "spent" if one["settled"] else "set aside"
        money = "cost unknown" if one["cost_usd"] is None else f"{one['cost_usd']:.2f} USD {kind}"
        place = f"{one['flavor'] or 'jobs'}{_limit_of(one)}" if one["where"] == "jobs" else "local"
        trained = ", seen training" if one["seen_training"] else ""
        yield f"  {one['launched_at'][:16]}Z {one['id']}  {one['state']}{trained}  {place}  {money}"
        yield f"      {one['command'][:110]}" + (f"  {one['url']}" if one["url"] else "")


def _limit_of(one: dict[str, Any]) -> str:
    return f" {span(one['timeout_s'])}" if one["timeout_s"] else ""


def _notes(fields: dict[str, Any]) -> Iterator[str]:
    if fields["damaged_lines"]:
        lines = ", ".join(map(str, fields["damaged_lines"][:10]))
        yield f"  damaged: line {lines} of {fields['path']}: a launch may be missing; mend or remove it"
    if any(not one["settled"] for one in fields["runs"]):
        yield "  set aside becomes spent with `budget --apply-hub`, once the job has ended"
    if any(one["estimated"] for one in fields["runs"]):
        yield "  estimated: from the launch to the end that was seen; `budget --apply-hub` asks for the running time itself"
