"""Two answers and a verdict between them: `response_a`, `response_b` and `winner` (arena data, PKU-SafeRLHF, HelpSteer3 …)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import asked, quoted, row, turn
from ml_intern_helpers.dataset.names import first_named, plain_name
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, shown

WINNERS = (
    "winner", "preference", "preferred", "better_response_id", "better_response", "better", "chosen", "choice", "best",
    "overall_preference", "human_preference", "label", "labels",
)  # fmt: skip
SIDES = (("a", "b"), ("0", "1"), ("1", "2"), ("left", "right"))
STEMS = frozenset({"response", "answer", "completion", "output", "conversation", "model_response", "reply", "assistant"})
_SIDE = re.compile(r"(.+?)_?(a|b|0|1|2|left|right)$")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """Two columns that differ in the side alone, and a column that names the side that won."""
    winner = first_named(parts.kinds, WINNERS)
    if winner is None or parts.has("chosen", "rejected"):
        return None
    for left, right, sides in _pairs(parts):
        if winner in (left, right) or not (parts.has("prompt") or parts.kinds[left] == "messages"):
            continue
        return _shape(parts, rows, (left, right), sides, winner)
    return None


def _pairs(parts: ColumnRoles) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """(left, right, sides) of columns of one kind that are named alike but for their side."""
    found = [(name, match[1], match[2]) for name in parts.kinds if (match := _SIDE.fullmatch(plain_name(name)))]
    for (left, stem, one), (right, other, two) in itertools.combinations(found, 2):
        alike = stem == other and stem in STEMS and parts.kinds[left] == parts.kinds[right]
        if alike and (one, two) in SIDES and parts.kinds[left] in ("string", "messages"):
            yield left, right, (one, two)


def _shape(parts: ColumnRoles, rows: Rows, pair: tuple[str, str], sides: tuple[str, str], winner: str) -> Shape:
    columns = {"prompt": parts.by_role.get("prompt", pair[0]), "first": pair[0], "second": pair[1], "winner": winner}
    values = list(dict.fromkeys(cell for cell in cells(rows, winner) if isinstance(cell, (str, int))))
    won = {value: side for value in values if (side := _side(value, sides)) is not None}
    replaces = frozenset({"prompt-only", "messages", "sharegpt"})
    if len(set(won.values())) < 2 or not _only_ties(values, won):
        told = f"which value of {shown(winner)} prefers which of {shown(pair[0])} and {shown(pair[1])} is not to be seen"
        how = 'if you know, dataset.map(lambda row: {"chosen": …, "rejected": …}) and inspect the result'
        refused = ("sft", "dpo", "kto", "reward")
        return Shape("two-answers", columns, how, replaces=replaces, refuses=refused, because=told, open=True)
    fields = _fields(parts, pair, winner, [value for value, side in won.items() if side == sides[0]])
    ties = any(not isinstance(item.get(winner), (str, int)) or item[winner] not in won for item in rows)
    told = f"{shown(winner)} names the better of {shown(pair[0])} and {shown(pair[1])}" + (", ties are left out" if ties else "")
    keep = f"{row(winner)} in ({', '.join(map(quoted, won))})" if ties else None
    return Shape("two-answers", columns, told, fields, ("dpo", "reward", "kto"), keep=keep, replaces=replaces)


def _side(value: Any, sides: tuple[str, str]) -> str | None:
    """The side that `value` names with its last word: `model_a`, `A`, 0."""
    last = plain_name(str(value)).split("_")[-1]
    return last if last in sides and not isinstance(value, bool) else None


def _only_ties(values: list[Any], won: dict[Any, str]) -> bool:
    """Values that name no side must say that there is none: a number between two others could mean anything."""
    rest = [plain_name(str(value)) for value in values if value not in won]
    return all(set(value.split("_")) & {"tie", "both", "none", "equal", "neither", "draw", "same"} for value in rest)


def _fields(parts: ColumnRoles, pair: tuple[str, str], winner: str, first_wins: list[Any]) -> dict[str, str]:
    is_first = f"{row(winner)} == {quoted(first_wins[0])}"
    if len(first_wins) > 1:
        is_first = f"{row(winner)} in ({', '.join(map(quoted, first_wins))})"
    left, right = (row(name) for name in pair)
    better, worse = f"{left} if {is_first} else {right}", f"{right} if {is_first} else {left}"
    if parts.kinds[pair[0]] == "messages":
        return {"chosen": better, "rejected": worse, "messages": better, "question": f"{left}[:-1]"}
    return {
        "prompt": asked(parts),
        "chosen": f"[{turn('assistant', better)}]",
        "rejected": f"[{turn('assistant', worse)}]",
    }
