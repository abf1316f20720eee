"""Which of the methods that can use the rows the rows were made for, best first, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ml_intern_helpers.dataset.column_roles import ColumnRoles, plain_name
from ml_intern_helpers.dataset.shapes.shape import Rows, shown
from ml_intern_helpers.dataset.trainers.methods import reward_columns
from ml_intern_helpers.dataset.verdicts import Verdict

#: Columns that a reward function can hold a completion against.
REFERENCES = frozenset({
    "answer", "answers", "solution", "ground_truth", "groundtruth", "reference", "reference_answer", "final_answer",
    "expected_answer", "expected_output", "gold", "target", "answer_key", "answerkey", "correct_answer", "test_cases", "tests",
    "test_list", "unit_tests", "input_output", "verification_info", "reward_model",
})  # fmt: skip
#: Characters up to which an answer can be compared as a whole, not only read.
SHORT = 60
_UNANSWERED = "prompts without answers: your reward functions judge what the model writes"


def recommended(by_method: Mapping[str, Verdict], roles: ColumnRoles, rows: Rows) -> list[dict[str, str]]:
    """`{"method", "why"}` of methods that are ready or mappable; empty when none of them is what the rows are for."""
    usable = {name: verdict.verdict for name, verdict in by_method.items() if verdict.verdict in ("ready", "needs_mapping")}
    return [{"method": method, "why": why} for method, why in _in_order(roles, rows, usable) if method in usable]


def _in_order(roles: ColumnRoles, rows: Rows, usable: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    refusing = [shape for shape in roles.shapes if "sft" in shape.refuses]
    if refusing:
        if any("grpo" in shape.methods for shape in refusing):
            yield "grpo", _UNANSWERED
    elif roles.has("chosen", "rejected") or any("dpo" in shape.methods for shape in roles.shapes):
        yield "dpo", "each prompt has a better and a worse answer"
        yield "reward", "the same pairs, where a scorer is wanted"
        yield "kto", "takes the pairs apart into good and bad answers"
        yield "sft", "learns the better answers alone"
    elif roles.has("prompt", "completion", "label") and "kto" in usable:
        yield "kto", "each answer is marked good or bad by itself"
        yield "sft", "learns the good answers alone"
    else:
        # Demonstrations (SFT) or answers that can be checked (GRPO); both when there are both.
        shape = next((shape for shape in roles.shapes if "grpo" in shape.methods), None)
        column = shape.columns["completion"] if shape else _reference(roles, rows)
        checked = [("grpo", f"{shown(column)} can be held against what the model writes")] if column else []
        grpo_first = usable.get("grpo") == "ready" and usable.get("sft") != "ready"
        if grpo_first:
            yield from checked
        if "sft" in usable:
            yield "sft", _demonstrations(roles)
        if not grpo_first:
            yield from checked
        if not checked and "sft" not in usable:
            yield "grpo", _UNANSWERED


def _reference(roles: ColumnRoles, rows: Rows) -> str | None:
    """A column to check a completion against: by its name, and short where it is text."""
    for name in reward_columns(list(roles.kinds)):
        held = [row.get(name) for row in rows if row.get(name) not in (None, "", [], {})]
        long = sum(1 for cell in held if isinstance(cell, str) and len(cell) > SHORT)
        if plain_name(name) in REFERENCES and held and 2 * long < len(held):
            return name
    return None


def _demonstrations(roles: ColumnRoles) -> str:
    shape = next((shape for shape in roles.shapes if shape.name == "classification"), None)
    if shape and not shape.fields:
        return f"learns to write such texts, without {shown(shape.columns['class'])}"
    if roles.has("messages") or roles.has("dialogue") or any("messages" in shape.fields for shape in roles.shapes):
        return "conversations with the assistant's turns to imitate"
    if roles.has("prompt", "completion") or any("completion" in shape.fields for shape in roles.shapes):
        return "prompts with answers to imitate"
    return "plain text: continued pre-training, without a chat template"
