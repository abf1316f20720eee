"""Answers one level down: SQuAD's `{"text": […]}`, TriviaQA's `{"value": …}`, lists of accepted answers."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import asked, row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

NAMES = ("answers", "answer", "accepted_answers", "possible_answers", "target", "targets", "output", "outputs")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A question whose answer is the first text inside a struct or a list."""
    column = first_named(parts.kinds, NAMES)
    if column is None or not parts.has("prompt") or parts.has("completion") or parts.kind("prompt") != "string":
        return None
    path = _path(cells(rows, column))
    if path is None:
        return None
    steps, code = path
    several = any(_many(item.get(column), steps) for item in rows)
    without = [position for position, item in enumerate(rows) if not _answer(item.get(column), steps)]
    which = "the first text" if several else "the text"
    return Shape(
        "nested-answers",
        {"prompt": parts.by_role["prompt"], "completion": column},
        f"{which} in {shown(column)} is taken as the answer" + (", unanswerable questions are left out" if without else ""),
        {"prompt": asked(parts), "completion": f"[{turn('assistant', row(column) + code)}]"},
        ("sft",),
        keep=f"{row(column)} and {_reached(column, steps)}" if without else None,
        replaces=frozenset({"prompt-only"}),
    )


def _reached(column: str, steps: tuple[str | int, ...]) -> str:
    """The list or text that has to hold something."""
    return row(column) + "".join(f'["{step}"]' for step in steps if isinstance(step, str)) if steps[0] != 0 else row(column)


def _path(held: list[Any]) -> tuple[tuple[str | int, ...], str] | None:
    for steps, code in _PATHS.items():
        if held and most(_answer(cell, steps) is not None for cell in held):
            return steps, code
    return None


_PATHS: dict[tuple[str | int, ...], str] = {
    ("text", 0): '["text"][0]',
    ("text",): '["text"]',
    ("value",): '["value"]',
    (0,): "[0]",
}


def _answer(cell: Any, steps: tuple[str | int, ...]) -> str | None:
    """The text at the end of `steps`, None when there is none."""
    for step in steps:
        cell = _step(cell, step)
    return cell if isinstance(cell, str) and cell else None


def _step(cell: Any, step: str | int) -> Any:
    if step == 0:
        return cell[0] if isinstance(cell, list) and cell else None
    return cell.get(step) if isinstance(cell, dict) else None


def _many(cell: Any, steps: tuple[str | int, ...]) -> bool:
    """Whether the list that `steps` lead through holds more than one."""
    for step in steps[: steps.index(0)] if 0 in steps else ():
        cell = _step(cell, step)
    return 0 in steps and isinstance(cell, list) and len(cell) > 1
