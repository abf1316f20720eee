"""Finds shapes of preferences: several answers with a score or rank each, or two answers and a column that names the better."""

from __future__ import annotations

import itertools
import re
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named, plain_name
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import prompt_messages, quoted, row, turn
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, listed, most

LISTS = ("completions", "responses", "answers", "candidates", "outputs", "generations")
TEXTS = ("response", "answer", "completion", "text", "content", "output", "generated_text")
SCORES = ("overall_score", "score", "rating", "reward", "reward_score", "rank", "ranking", "fine_grained_score", "pm_score")
SCORE_LISTS = ("scores", "ratings", "rewards", "ranks", "rank", "score", "ranking", "annotations")


def ranked_answers(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A prompt and a list of answers, with scores inside the list (UltraFeedback) or in a list beside it."""
    column = first_named(roles.kinds, LISTS)
    if column is None or not roles.has("prompt") or roles.has("chosen"):
        return None
    return _inside(roles, rows, column) or _beside(roles, rows, column)


def _inside(roles: ColumnRoles, rows: Rows, column: str) -> Shape | None:
    lists = [cell for cell in cells(rows, column) if isinstance(cell, list) and all(isinstance(item, dict) for item in cell)]
    items = [item for cell in lists for item in cell]
    keys = dict.fromkeys(key for item in items for key in item)
    text = first_named(keys, TEXTS)
    if text is None or not most(isinstance(item.get(text), str) for item in items):
        return None
    scores = [key for key in keys if plain_name(key) in SCORES and most(_number(item.get(key)) for item in items)]
    scores.sort(key=lambda name: SCORES.index(plain_name(name)))
    if not scores or len(lists) * 2 <= len(rows):
        return None
    score = scores[0]
    others = f"; {listed(scores[1:])} could rank them too" if len(scores) > 1 else ""
    order = f"key=lambda answer: answer[{quoted(score)}]{_reverse(score)}"
    define = f"def ranked(row):\n    return sorted({row(column)}, {order})"
    sure = all(len(cell) > 1 and _differ([item.get(score) for item in cell]) for cell in lists) and len(lists) == len(rows)
    missing = any(not _number(item.get(score)) for item in items)
    usable = f"{row(column)} and all(answer[{quoted(score)}] is not None for answer in {row(column)})" if missing else row(column)
    keep = f"{usable} and ranked(row)[0][{quoted(score)}] != ranked(row)[-1][{quoted(score)}]"
    ends = [f"ranked(row)[{end}][{quoted(text)}]" for end in (-1, 0)]
    return _shape(
        roles,
        column,
        f"{shown_name(score)} ranks the answers in {shown_name(column)}{others}",
        define,
        ends,
        None if sure else keep,
    )


def _beside(roles: ColumnRoles, rows: Rows, column: str) -> Shape | None:
    score = first_named(roles.kinds, SCORE_LISTS)
    if score is None or roles.kinds[column] != "list of string" or score == column:
        return None
    pairs = [(item[column], item[score]) for item in rows if item.get(column) and item.get(score)]
    for texts, marks in pairs:
        lists = isinstance(texts, list) and isinstance(marks, list)
        if not lists or len(marks) != len(texts) or not all(map(_number, marks)):
            return None
    if not pairs:
        return None
    order = f"key=lambda pair: pair[0]{_reverse(score)}"
    define = f"def ranked(row):\n    return sorted(zip({row(score)}, {row(column)}), {order})"
    sure = len(pairs) == len(rows) and all(_differ(marks) for _, marks in pairs)
    keep = f"{row(score)} and min({row(score)}) != max({row(score)})"
    ends = [f"ranked(row)[{end}][1]" for end in (-1, 0)]
    return _shape(
        roles, column, f"{shown_name(score)} ranks the answers in {shown_name(column)}", define, ends, None if sure else keep
    )


def _shape(roles: ColumnRoles, column: str, note: str, define: str, ends: list[str], keep: str | None) -> Shape:
    best, worst = (f"[{turn('assistant', end)}]" for end in ends)
    return Shape(
        "ranked-answers",
        {"prompt": roles.by_role["prompt"], "answers": column},
        f"{note}: the best is taken as chosen, the worst as rejected"
        + (", rows without a difference are left out" if keep else ""),
        {"prompt": prompt_messages(roles), "chosen": best, "rejected": worst},
        ("dpo", "reward", "kto"),
        definitions=(define,),
        keep=keep,
        replaces=frozenset({"prompt-only", "dialogue", "prompt-completion"}),
    )


def _reverse(score: str) -> str:
    """The code that sorts the worst answer first: rank 1 is the best answer, but a score of 1 is a low one."""
    return ", reverse=True" if "rank" in plain_name(score) else ""


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _differ(marks: list[Any]) -> bool:
    numbers = [mark for mark in marks if _number(mark)]
    return len(numbers) == len(marks) > 1 and min(numbers) != max(numbers)


WINNERS = (
    "winner", "preference", "preferred", "better_response_id", "better_response", "better", "chosen", "choice", "best",
    "overall_preference", "human_preference", "label", "labels",
)  # fmt: skip
SIDES = (("a", "b"), ("0", "1"), ("1", "2"), ("left", "right"))
STEMS = frozenset({"response", "answer", "completion", "output", "conversation", "model_response", "reply", "assistant"})
_SIDE = re.compile(r"(.+?)_?(a|b|0|1|2|left|right)$")


def two_answers(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Two columns whose names differ only in the side (`a`, `b`), and one that names the winner (arena data, PKU-SafeRLHF …)."""
    winner = first_named(roles.kinds, WINNERS)
    if winner is None or roles.has("chosen", "rejected"):
        return None
    sided = [(name, match[1], match[2]) for name in roles.kinds if (match := _SIDE.fullmatch(plain_name(name)))]
    for (left, left_stem, left_side), (right, right_stem, right_side) in itertools.combinations(sided, 2):
        kind = roles.kinds[left]
        alike = left_stem == right_stem and left_stem in STEMS and kind == roles.kinds[right] and kind in ("string", "messages")
        sides = (left_side, right_side)
        if alike and sides in SIDES and winner not in (left, right) and (roles.has("prompt") or kind == "messages"):
            return _two_answers_shape(roles, rows, (left, right), sides, winner)
    return None


def _two_answers_shape(roles: ColumnRoles, rows: Rows, pair: tuple[str, str], sides: tuple[str, str], winner: str) -> Shape:
    columns = {"prompt": roles.by_role.get("prompt", pair[0]), "first": pair[0], "second": pair[1], "winner": winner}
    values = list(dict.fromkeys(cell for cell in cells(rows, winner) if isinstance(cell, (str, int))))
    won = {value: side for value in values if (side := _side(value, sides)) is not None}
    replaces = frozenset({"prompt-only", "messages", "sharegpt"})
    if len(set(won.values())) < 2 or not _only_ties(values, won):
        columns_in_words = f"{shown_name(pair[0])} and {shown_name(pair[1])}"
        message = f"the rows do not show which value of {shown_name(winner)} prefers which of {columns_in_words}"
        how = 'if you know, dataset.map(lambda row: {"chosen": …, "rejected": …}) and inspect the result'
        refused = ("sft", "dpo", "kto", "reward")
        return Shape("two-answers", columns, how, replaces=replaces, refuses=refused, because=message, open=True)
    first_wins = [value for value, side in won.items() if side == sides[0]]
    is_first = f"{row(winner)} == {quoted(first_wins[0])}"
    if len(first_wins) > 1:
        is_first = f"{row(winner)} in ({', '.join(map(quoted, first_wins))})"
    left, right = (row(name) for name in pair)
    better, worse = f"{left} if {is_first} else {right}", f"{right} if {is_first} else {left}"
    if roles.kinds[pair[0]] == "messages":
        fields = {"chosen": better, "rejected": worse, "messages": better, "question": f"{left}[:-1]"}
    else:
        fields = {
            "prompt": prompt_messages(roles),
            "chosen": f"[{turn('assistant', better)}]",
            "rejected": f"[{turn('assistant', worse)}]",
        }
    ties = any(not isinstance(item.get(winner), (str, int)) or item[winner] not in won for item in rows)
    message = f"{shown_name(winner)} names the better of {shown_name(pair[0])} and {shown_name(pair[1])}" + (
        ", ties are left out" if ties else ""
    )
    keep = f"{row(winner)} in ({', '.join(map(quoted, won))})" if ties else None
    return Shape("two-answers", columns, message, fields, ("dpo", "reward", "kto"), keep=keep, replaces=replaces)


def _side(value: Any, sides: tuple[str, str]) -> str | None:
    """The side that `value` names with its last word: `model_a`, `A`, 0."""
    last = plain_name(str(value)).split("_")[-1]
    return last if last in sides and not isinstance(value, bool) else None


def _only_ties(values: list[Any], won: dict[Any, str]) -> bool:
    """Whether all values that name no side are words for a tie; another number, for example, could mean anything."""
    rest = [plain_name(str(value)) for value in values if value not in won]
    return all(set(value.split("_")) & {"tie", "both", "none", "equal", "neither", "draw", "same"} for value in rest)
