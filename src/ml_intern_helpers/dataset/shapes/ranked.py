"""Several answers to one prompt with a score or a rank each: UltraFeedback's `completions`, or lists of responses and scores."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import asked, quoted, row, turn
from ml_intern_helpers.dataset.names import first_named, plain_name
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, listed, most, shown

LISTS = ("completions", "responses", "answers", "candidates", "outputs", "generations")
TEXTS = ("response", "answer", "completion", "text", "content", "output", "generated_text")
SCORES = ("overall_score", "score", "rating", "reward", "reward_score", "rank", "ranking", "fine_grained_score", "pm_score")
SCORE_LISTS = ("scores", "ratings", "rewards", "ranks", "rank", "score", "ranking", "annotations")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A prompt and a list of answers, scored inside the list or in a list beside it."""
    column = first_named(parts.kinds, LISTS)
    if column is None or not parts.has("prompt") or parts.has("chosen"):
        return None
    return _inside(parts, rows, column) or _beside(parts, rows, column)


def _inside(parts: ColumnRoles, rows: Rows, column: str) -> Shape | None:
    held = [cell for cell in cells(rows, column) if isinstance(cell, list) and all(isinstance(item, dict) for item in cell)]
    items = [item for cell in held for item in cell]
    text = _key(items, TEXTS, str)
    scores = [name for name in dict.fromkeys(key for item in items for key in item) if plain_name(name) in SCORES]
    scores = sorted((name for name in scores if _numbers(items, name)), key=lambda name: SCORES.index(plain_name(name)))
    if text is None or not scores or len(held) * 2 <= len(rows):
        return None
    score = scores[0]
    others = f"; {listed(scores[1:])} could rank them too" if len(scores) > 1 else ""
    order = f"key=lambda answer: answer[{quoted(score)}]{_reverse(score)}"
    define = f"def ranked(row):\n    return sorted({row(column)}, {order})"
    sure = all(len(cell) > 1 and _differ([item.get(score) for item in cell]) for cell in held) and len(held) == len(rows)
    missing = any(not _number(item.get(score)) for item in items)
    usable = f"{row(column)} and all(answer[{quoted(score)}] is not None for answer in {row(column)})" if missing else row(column)
    keep = f"{usable} and ranked(row)[0][{quoted(score)}] != ranked(row)[-1][{quoted(score)}]"
    ends = [f"ranked(row)[{end}][{quoted(text)}]" for end in (-1, 0)]
    return _shape(
        parts, column, f"{shown(score)} ranks the answers in {shown(column)}{others}", define, ends, None if sure else keep
    )


def _beside(parts: ColumnRoles, rows: Rows, column: str) -> Shape | None:
    score = first_named(parts.kinds, SCORE_LISTS)
    if score is None or parts.kinds[column] != "list of string" or score == column:
        return None
    pairs = [(item[column], item[score]) for item in rows if item.get(column) and item.get(score)]
    fits = [_alongside(texts, marks) for texts, marks in pairs]
    if not fits or not all(fits):
        return None
    order = f"key=lambda pair: pair[0]{_reverse(score)}"
    define = f"def ranked(row):\n    return sorted(zip({row(score)}, {row(column)}), {order})"
    sure = len(pairs) == len(rows) and all(_differ(marks) for _, marks in pairs)
    keep = f"{row(score)} and min({row(score)}) != max({row(score)})"
    ends = [f"ranked(row)[{end}][1]" for end in (-1, 0)]
    return _shape(parts, column, f"{shown(score)} ranks the answers in {shown(column)}", define, ends, None if sure else keep)


def _alongside(texts: Any, marks: Any) -> bool:
    return isinstance(texts, list) and isinstance(marks, list) and len(marks) == len(texts) and all(map(_number, marks))


def _shape(parts: ColumnRoles, column: str, said: str, define: str, ends: list[str], keep: str | None) -> Shape:
    best, worst = (f"[{turn('assistant', end)}]" for end in ends)
    return Shape(
        "ranked-answers",
        {"prompt": parts.by_role["prompt"], "answers": column},
        f"{said}: the best is taken as chosen, the worst as rejected"
        + (", rows without a difference are left out" if keep else ""),
        {"prompt": asked(parts), "chosen": best, "rejected": worst},
        ("dpo", "reward", "kto"),
        definitions=(define,),
        keep=keep,
        replaces=frozenset({"prompt-only", "dialogue", "prompt-completion"}),
    )


def _reverse(score: str) -> str:
    """Rank 1 is the best, score 1 is not."""
    return ", reverse=True" if "rank" in plain_name(score) else ""


def _key(items: list[dict[str, Any]], names: tuple[str, ...], kind: type) -> str | None:
    keys = dict.fromkeys(key for item in items for key in item)
    found = first_named(keys, names)
    return found if found and most(isinstance(item.get(found), kind) for item in items) else None


def _numbers(items: list[dict[str, Any]], name: str) -> bool:
    return most(_number(item.get(name)) for item in items)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _differ(marks: list[Any]) -> bool:
    held = [mark for mark in marks if _number(mark)]
    return len(held) == len(marks) > 1 and min(held) != max(held)
