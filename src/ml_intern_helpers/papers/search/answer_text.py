"""What a search prints beside its papers: who answered, and why a paper stands where it stands."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import plural, spoken_time


def headline(fields: dict[str, Any]) -> str:
    """How many papers, from whom, and which are shown."""
    names = [each["service"] for each in fields["services"] if each["answered"]]
    silent = [each["service"] for each in fields["services"] if not each["answered"]]
    number, start, returned = fields["matching"], fields["start"], fields["returned"]
    what = "trending paper" if fields["mode"] == "trending" else "paper"
    said = f"{plural(number, what) if number else f'no {what}s'} found by {', '.join(names)}"
    if fields["read"] > number:
        said += f" ({fields['read']:,} before the filters)"
    if silent:
        said += f"; NO ANSWER from {', '.join(silent)}"
    if number and not returned:
        return f"{said}; --start {start} is past the last one"
    order = "in the Hub's order" if fields["mode"] == "trending" else "by score"
    return f"{said}; showing {start + 1}-{start + returned}, {order}" if returned else said


def services(fields: dict[str, Any]) -> list[str]:
    """`arXiv: 50 of 812 papers (stored answer, 3 h old)`."""
    return [f"  {each['service']}: {_said(each)}" for each in fields["services"] or []]


def why(row: dict[str, Any]) -> list[str]:
    """The score of a paper and its reasons; their parts as numbers are in `--json`."""
    score = row.get("score")
    if not score:
        return []
    lines = [f"   score {score['total']}: {score['reason']}"]
    code = (row.get("hub") or {}).get("code")
    return [*lines, f"   code: {code}"] if code else lines


def _said(each: dict[str, Any]) -> str:
    if not each["answered"]:
        return f"no answer: {each['error']}"
    many = plural(each["papers"], "paper") if each["total"] is None else f"{each['papers']} of {plural(each['total'], 'paper')}"
    what = "the oldest" if each["service"] == "library" else "stored answer,"
    age = f" ({what} {spoken_time(each['age_s'])} old)" if each["cached"] else ""
    return f"{many}{age}"
