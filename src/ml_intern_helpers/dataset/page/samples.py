"""Rows as a reader wants to see them: conversations as turns, pairs side by side, with what is wrong marked.

First come rows that findings name, one for each finding; then ordinary ones. All of it is bounded, and all of it is
strangers' text: cleaned here, escaped by the template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean, shorten
from ml_intern_helpers.dataset.checks.context import Facts, speaker, turns, words
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES
from ml_intern_helpers.dataset.page.marked_text import pieces, plain
from ml_intern_helpers.dataset.page.patterns import tone

MOST_FAULTY, MOST_PLAIN = 9, 3
TURN_CHARACTERS, MOST_TURNS, ROW_CHARACTERS = 900, 10, 5000
MOST_MORE, MORE_CHARACTERS = 8, 160
#: Parts in the order shown, with what to call them where they are plain text.
_PARTS = (
    ("system", "system"),
    ("context", "context"),
    ("prompt", "user"),
    ("dialogue", "text"),
    ("messages", ""),
    ("text", "text"),
    ("completion", "assistant"),
    ("chosen", "assistant"),
    ("rejected", "assistant"),
)


def rows_named(finding: Finding) -> list[int]:
    """The numbers of the first rows that a finding is about."""
    return list(finding.rows or ())


def samples(facts: Facts, findings: list[Finding]) -> list[dict[str, Any]]:
    """The rows to show."""
    by_number: dict[int, list[Finding]] = {}
    for finding in findings:
        for number in rows_named(finding):
            by_number.setdefault(number, []).append(finding)
    at = {number: position for position, number in enumerate(facts.sample.numbers)}
    faulty = [number for number in _one_each(findings) if number in at][:MOST_FAULTY]
    plain = [number for number in at if number not in by_number][: MOST_PLAIN if faulty else 2 * MOST_PLAIN]
    codes = {finding.code for finding in findings}
    shown = [*faulty, *plain] or list(at)[:MOST_PLAIN]
    return [_sample(facts, at[number], number, by_number.get(number, []), codes) for number in shown]


def _one_each(findings: list[Finding]) -> list[int]:
    """For each finding the first row that no finding before it has brought along."""
    found: list[int] = []
    for finding in findings:
        numbers = rows_named(finding)
        if numbers and not set(numbers) & set(found):
            found.append(numbers[0])
    return found


def _sample(facts: Facts, position: int, number: int, about: list[Finding], codes: set[str]) -> dict[str, Any]:
    row = facts.rows[position]
    marks = [{"code": item.code, "severity": item.severity, "message": item.message} for item in about]
    blocks, used = _blocks(row, facts, codes)
    return {"number": number, "findings": marks, "blocks": blocks, "more": _more(row, used)}


def _blocks(row: dict[str, Any], facts: Facts, codes: set[str]) -> tuple[list[dict[str, Any]], set[str]]:
    """The columns that play a part, each a block of turns; and which those are."""
    room, used, blocks = [ROW_CHARACTERS], set(), []
    for part, role in _PARTS:
        column = facts.roles.get(part)
        if column is None or column in used:
            continue
        used.add(column)
        shown = _turns(row.get(column), role, room, codes if part in _LEARNED else set())
        pair = part if part in ("chosen", "rejected") else ""
        name = clean(column, limit=80)
        blocks.append({"column": name, "pair": pair, "turns": shown})
    return blocks, used


#: Parts whose turns are held against the findings about turns.
_LEARNED = ("messages", "completion", "chosen", "rejected", "text", "prompt")


def _turns(cell: Any, role: str, room: list[int], codes: set[str]) -> list[dict[str, Any]]:
    found = turns(cell)
    if not found:
        return [_turn(role or "text", cell, room, codes, ["says nothing"] if _hollow(cell) and "SET301" in codes else [])]
    marks, shown = _marks(found, codes), _ends(len(found))
    made = [_turn(speaker(found[at]) or "?", _said(found[at]), room, codes, marks.get(at, [])) for at in shown]
    for before, at, turn in zip([-1, *shown], shown, made, strict=False):
        turn["gap"] = at - before - 1
    return made


def _ends(count: int) -> list[int]:
    """The turns shown of a long conversation: its beginning, and its end, where something may be missing."""
    return list(range(count)) if count <= MOST_TURNS else [*range(MOST_TURNS - 2), count - 2, count - 1]


def _turn(role: str, words_said: Any, room: list[int], codes: set[str], marks: list[str]) -> dict[str, Any]:
    said = pieces(_text(words_said), min(TURN_CHARACTERS, max(room[0], 80)), codes)
    room[0] -= sum(len(piece.text) for piece in said)
    shown = said if any(piece.text.strip() for piece in said) else []
    return {"role": clean(role, limit=24), "tone": tone(role), "said": shown, "marks": marks, "gap": 0}


def _said(turn: dict[str, Any]) -> Any:
    calls = turn.get("tool_calls")
    said = words(turn)
    if not calls:
        return said
    return f"{_text(said)}\n" * bool(said) + f"calls {_text(calls)}"


def _text(value: Any) -> str:
    """Text as it is; what is no text as JSON, cut before it is written out."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    return shorten(json.dumps(value, ensure_ascii=False, default=_odd), 4000)


def _odd(value: object) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else str(value)


def _hollow(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _marks(found: list[dict[str, Any]], codes: set[str]) -> dict[int, list[str]]:
    """Position of a turn -> what is wrong with it; only where a finding of the report says so."""
    marks: dict[int, list[str]] = {}
    roles = [SPEAKER_NAMES.get(speaker(turn), speaker(turn)) for turn in found]
    for at, told in _faults(found, roles, codes):
        marks.setdefault(at, []).append(told)
    return marks


def _faults(found: list[dict[str, Any]], roles: list[str], codes: set[str]) -> Iterator[tuple[int, str]]:
    last = len(roles) - 1
    for at, (turn, role) in enumerate(zip(found, roles, strict=True)):
        if "SET301" in codes and _hollow(words(turn)) and not turn.get("tool_calls"):
            yield at, "says nothing"
        if "SET309" in codes and at and role == roles[at - 1] != "tool":
            yield at, f"{clean(role, limit=24)} twice in a row"
        if "SET310" in codes and at and role == "system":
            yield at, "system turn that is not the first"
    if "SET302" in codes and roles[last] != "assistant":
        yield last, "the last turn is not the assistant's"


def _more(row: dict[str, Any], used: set[str]) -> list[tuple[str, str]]:
    """The other columns, briefly."""
    rest = [(name, value) for name, value in row.items() if name not in used]
    return [(clean(name, limit=60), plain(_text(value), MORE_CHARACTERS)) for name, value in rest[:MOST_MORE]]
