"""Which of the methods that can use the rows the rows were made for, best first, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.names import plain_name
from ml_intern_helpers.dataset.shapes.shape import Rows, shown
from ml_intern_helpers.dataset.trainers.grpo import reward_columns

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.verdicts import Verdict

Advice = Iterator[tuple[str, str]]

#: Columns that a reward function can hold a completion against.
REFERENCES = frozenset({
    "answer", "answers", "solution", "ground_truth", "groundtruth", "reference", "reference_answer", "final_answer",
    "expected_answer", "expected_output", "gold", "target", "answer_key", "answerkey", "correct_answer", "test_cases", "tests",
    "test_list", "unit_tests", "input_output", "verification_info", "reward_model",
})  # fmt: skip
#: Characters up to which an answer can be compared as a whole, not only read.
SHORT = 60
_UNANSWERED = "prompts without answers: your reward functions judge what the model writes"


def recommended(found: Mapping[str, Verdict], parts: ColumnRoles, rows: Rows) -> list[dict[str, str]]:
    """`[{"method", "why"}]` among the methods that are ready or mappable; empty when none of them is what the rows are for."""
    usable = {name: verdict.verdict for name, verdict in found.items() if verdict.verdict in ("ready", "needs_mapping")}
    return [{"method": method, "why": why} for method, why in _in_order(parts, rows, usable) if method in usable]


def _in_order(parts: ColumnRoles, rows: Rows, usable: Mapping[str, str]) -> Advice:
    refusing = [shape for shape in parts.shapes if "sft" in shape.refuses]
    if refusing:
        if any("grpo" in shape.methods for shape in refusing):
            yield "grpo", _UNANSWERED
        return
    if parts.has("chosen", "rejected") or any("dpo" in shape.methods for shape in parts.shapes):
        yield from _pairs()
    elif parts.has("prompt", "completion", "label") and "kto" in usable:
        yield "kto", "each answer is marked good or bad by itself"
        yield "sft", "learns the good answers alone"
    else:
        yield from _answers(parts, rows, usable)


def _pairs() -> Advice:
    yield "dpo", "each prompt has a better and a worse answer"
    yield "reward", "the same pairs, where a scorer is wanted"
    yield "kto", "takes the pairs apart into good and bad answers"
    yield "sft", "learns the better answers alone"


def _answers(parts: ColumnRoles, rows: Rows, usable: Mapping[str, str]) -> Advice:
    """Demonstrations or checkable answers; both when there are both."""
    checked = list(_checked(parts, rows))
    first = checked if usable.get("grpo") == "ready" and usable.get("sft") != "ready" else []
    yield from first
    if "sft" in usable:
        yield "sft", _demonstrations(parts)
    if not first:
        yield from checked
    if not checked and "sft" not in usable:
        yield "grpo", _UNANSWERED


def _checked(parts: ColumnRoles, rows: Rows) -> Advice:
    """GRPO where something in the row says whether a completion is right."""
    shape = next((shape for shape in parts.shapes if "grpo" in shape.methods), None)
    column = shape.columns["completion"] if shape else _reference(parts, rows)
    if column:
        yield "grpo", f"{shown(column)} can be held against what the model writes"


def _reference(parts: ColumnRoles, rows: Rows) -> str | None:
    """A column to check against: by its name, and short where it is text."""
    names = [name for name in reward_columns(list(parts.kinds)) if plain_name(name) in REFERENCES]
    return next((name for name in names if _checkable([row.get(name) for row in rows])), None)


def _checkable(cells: list[Any]) -> bool:
    held = [cell for cell in cells if cell not in (None, "", [], {})]
    long = sum(1 for cell in held if isinstance(cell, str) and len(cell) > SHORT)
    return bool(held) and 2 * long < len(held)


def _demonstrations(parts: ColumnRoles) -> str:
    shape = next((shape for shape in parts.shapes if shape.name == "classification"), None)
    if shape and not shape.fields:
        return f"learns to write such texts, without {shown(shape.columns['class'])}"
    if parts.has("messages") or parts.has("dialogue") or any("messages" in shape.fields for shape in parts.shapes):
        return "conversations with the assistant's turns to imitate"
    if parts.has("prompt", "completion") or any("completion" in shape.fields for shape in parts.shapes):
        return "prompts with answers to imitate"
    return "plain text: continued pre-training, without a chat template"
