"""Selects and prepares the rows that the page shows: conversations as turns, pairs side by side, with problems marked.

Rows that findings name come first, one for each finding, then ordinary rows. Everything is bounded in size. The text comes from
the dataset and is untrusted: it is cleaned here and escaped by the template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from re import Match
from typing import Any, NamedTuple

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean, shorten
from ml_intern_helpers.dataset.checks import patterns, registry, set320_personal_data
from ml_intern_helpers.dataset.checks.context import Facts, speaker, turns, words
from ml_intern_helpers.dataset.checks.patterns import Pattern
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES
from ml_intern_helpers.dataset.page.charts import tone

MOST_FAULTY, MOST_PLAIN = 9, 3
TURN_CHARACTERS, MOST_TURNS, ROW_CHARACTERS = 900, 10, 5000
MOST_MORE, MORE_CHARACTERS = 8, 160
#: Roles in the order in which they are shown, with the speaker if the column holds plain text.
_SHOWN_ROLES = (
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


def sample_rows(facts: Facts, findings: list[Finding]) -> list[dict[str, Any]]:
    """The rows to show, as the template reads them."""
    by_number: dict[int, list[Finding]] = {}
    for finding in findings:
        for number in list(finding.rows or ()):
            by_number.setdefault(number, []).append(finding)
    at = {number: position for position, number in enumerate(facts.sample.numbers)}
    # The first row of each finding, unless one of its rows is shown already.
    faulty: list[int] = []
    for finding in findings:
        if finding.rows and not set(finding.rows) & set(faulty):
            faulty.append(finding.rows[0])
    faulty = [number for number in faulty if number in at][:MOST_FAULTY]
    plain = [number for number in at if number not in by_number][: MOST_PLAIN if faulty else 2 * MOST_PLAIN]
    codes = {finding.code for finding in findings}
    shown = [*faulty, *plain] or list(at)[:MOST_PLAIN]
    return [_sample(facts, at[number], number, by_number.get(number, []), codes) for number in shown]


def _sample(facts: Facts, position: int, number: int, about: list[Finding], codes: set[str]) -> dict[str, Any]:
    row = facts.rows[position]
    marks = [{"code": item.code, "severity": item.severity, "message": item.message} for item in about]
    blocks, used = _blocks(row, facts, codes)
    # The columns without a role, on one line each.
    rest = [(name, value) for name, value in row.items() if name not in used]
    return {
        "number": number,
        "findings": marks,
        "blocks": blocks,
        "more": [(clean(name, limit=60), plain(_text(value), MORE_CHARACTERS)) for name, value in rest[:MOST_MORE]],
    }


def _blocks(row: dict[str, Any], facts: Facts, codes: set[str]) -> tuple[list[dict[str, Any]], set[str]]:
    """The columns with a role, each as a block of turns, and the names of these columns."""
    room, used, blocks = [ROW_CHARACTERS], set(), []  # `room` is a list so that `_turn` can count it down
    for role, speaker_name in _SHOWN_ROLES:
        column = facts.roles.get(role)
        if column is None or column in used:
            continue
        used.add(column)
        shown = _turns(row.get(column), speaker_name, room, codes if role in _LEARNED else set())
        pair = role if role in ("chosen", "rejected") else ""
        name = clean(column, limit=80)
        blocks.append({"column": name, "pair": pair, "turns": shown})
    return blocks, used


#: Roles whose turns are marked with the findings about turns.
_LEARNED = ("messages", "completion", "chosen", "rejected", "text", "prompt")


def _turns(cell: Any, role: str, room: list[int], codes: set[str]) -> list[dict[str, Any]]:
    cell_turns = turns(cell)
    if not cell_turns:
        return [_turn(role or "text", cell, room, codes, ["says nothing"] if _is_blank(cell) and "SET301" in codes else [])]
    marks, count = _marks(cell_turns, codes), len(cell_turns)
    # Of a long conversation the beginning and the end are shown, because the end may lack an answer.
    shown = list(range(count)) if count <= MOST_TURNS else [*range(MOST_TURNS - 2), count - 2, count - 1]
    shown_turns = [
        _turn(speaker(cell_turns[at]) or "?", _turn_content(cell_turns[at]), room, codes, marks.get(at, [])) for at in shown
    ]
    for before, at, turn in zip([-1, *shown], shown, shown_turns, strict=False):
        turn["gap"] = at - before - 1
    return shown_turns


def _turn(role: str, content: Any, room: list[int], codes: set[str], marks: list[str]) -> dict[str, Any]:
    text_pieces = pieces(_text(content), min(TURN_CHARACTERS, max(room[0], 80)), codes)
    room[0] -= sum(len(piece.text) for piece in text_pieces)
    shown = text_pieces if any(piece.text.strip() for piece in text_pieces) else []
    return {"role": clean(role, limit=24), "tone": tone(role), "pieces": shown, "marks": marks, "gap": 0}


def _turn_content(turn: dict[str, Any]) -> Any:
    calls = turn.get("tool_calls")
    content = words(turn)
    if not calls:
        return content
    return f"{_text(content)}\n" * bool(content) + f"calls {_text(calls)}"


def _text(value: Any) -> str:
    """Text as it is; any other value as JSON, cut to 4,000 characters."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    return shorten(json.dumps(value, ensure_ascii=False, default=_json_default), 4000)


def _json_default(value: object) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else str(value)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _marks(cell_turns: list[dict[str, Any]], codes: set[str]) -> dict[int, list[str]]:
    """Position of a turn -> its problems, as far as the report has findings with their codes."""
    marks: dict[int, list[str]] = {}
    roles = [SPEAKER_NAMES.get(speaker(turn), speaker(turn)) for turn in cell_turns]
    for at, message in _turn_problems(cell_turns, roles, codes):
        marks.setdefault(at, []).append(message)
    return marks


def _turn_problems(cell_turns: list[dict[str, Any]], roles: list[str], codes: set[str]) -> Iterator[tuple[int, str]]:
    last = len(roles) - 1
    for at, (turn, role) in enumerate(zip(cell_turns, roles, strict=True)):
        if "SET301" in codes and _is_blank(words(turn)) and not turn.get("tool_calls"):
            yield at, "says nothing"
        if "SET309" in codes and at and role == roles[at - 1] != "tool":
            yield at, f"{clean(role, limit=24)} twice in a row"
        if "SET310" in codes and at and role == "system":
            yield at, "system turn that is not the first"
    if "SET302" in codes and roles[last] != "assistant":
        yield last, "the last turn is not the assistant's"


#: Characters searched beyond those that are shown, so that a key that would be cut in half is still recognised.
BEYOND = 4000


class Piece(NamedTuple):
    """A part of a text, and the reason why it is marked (empty if it is not)."""

    text: str
    mark: str = ""


class _Hit(NamedTuple):
    start: int
    end: int
    shown: str
    mark: str
    blanked: bool = False


#: Patterns that are always blanked, even if the report has no finding, with the function that makes the replacement.
_BLANKED: tuple[tuple[tuple[Pattern, ...], Callable[[str], str]], ...] = (
    (patterns.SECRETS, patterns.blanked),
    (set320_personal_data.PERSONAL, set320_personal_data.blanked),
)


def pieces(text: str, limit: int, codes: Iterable[str] = ()) -> list[Piece]:
    """`text`, cleaned and cut at `limit`, in pieces: those that findings `codes` are about are marked, private ones blanked."""
    cleaned = clean(text[: limit + BEYOND], keep_newlines=True)
    parts: list[Piece] = []
    at = 0
    for hit in _without_overlaps(_hits(cleaned, codes)):
        if hit.start >= limit:
            break
        parts += [Piece(cleaned[at : hit.start]), Piece(hit.shown, hit.mark)]
        at = hit.end
    hidden = len(cleaned) - max(at, limit) + max(len(text) - limit - BEYOND, 0)
    parts += [Piece(cleaned[at:limit]), Piece(f"…[{hidden:,} more characters]" if hidden > 0 else "")]
    return [piece for piece in parts if piece.text]


def plain(text: str, limit: int) -> str:
    """`text` on one line, with private parts blanked, cut at `limit`."""
    return clean("".join(piece.text for piece in pieces(text, limit)))


def _hits(text: str, codes: Iterable[str]) -> list[_Hit]:
    hits = [
        _Hit(match.start(), match.end(), blanked(match[0]), f"{pattern.name}, blanked here", blanked=True)
        for patterns, blanked in _BLANKED
        for pattern in patterns
        for match in _matches(pattern, text)
    ]
    for code in codes:
        # The patterns of the finding's check; private ones are blanked in any case.
        search = registry.property_of(code, "SEARCH")
        for pattern in search.patterns if search and not search.private else ():
            hits += [_Hit(match.start(), match.end(), match[0], pattern.name) for match in _matches(pattern, text)]
    return hits


def _matches(pattern: Pattern, text: str) -> Iterable[Match[str]]:
    return pattern.matches(text) if pattern.may_be_in(text.lower() if pattern.any_case else text) else ()


def _without_overlaps(hits: list[_Hit]) -> list[_Hit]:
    """The hits in the order of the text, without those that overlap an earlier one; at the same start a blanked one wins."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda item: (item.start, not item.blanked, -item.end)):
        if hit.end > hit.start and (not kept or hit.start >= kept[-1].end):
            kept.append(hit)
    return kept
