"""Multiple choice: a question, its options, and which of them is right (MMLU, ARC, CommonsenseQA, HellaSwag …)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

QUESTIONS = ("question", "question_stem", "prompt", "query", "problem", "ctx", "context", "instruction", "input")
OPTIONS = ("choices", "options", "endings", "candidates", "answer_choices")
KEYS = (
    "answer", "answer_key", "answer_idx", "answer_index", "correct_answer", "correct", "correct_option", "gold", "target",
    "label",
)  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEFINITIONS = (
    f'LETTERS = "{LETTERS}"',
    'def options(texts, labels=LETTERS):\n    return "\\n".join(f"{label}. {text}" for label, text in zip(labels, texts))',
)


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A question, options beside it, and a key that points at one of them."""
    question, options, key = (first_named(parts.kinds, names) for names in (QUESTIONS, OPTIONS, KEYS))
    if question is None or options is None or key is None or parts.kinds[question] != "string":
        return None
    read = _reading(rows, options, key)
    if read is None:
        return None
    said, right, texts = read
    asked = f'{row(question)} + "\\n\\n" + options({texts})'
    return Shape(
        "multiple-choice",
        {"prompt": question, "options": options, "completion": key},
        f"the options in {shown(options)} are written under {shown(question)}, and {said}",
        {
            "prompt": f"[{turn('user', asked)}]",
            "completion": f"[{turn('assistant', right)}]",
        },
        ("sft", "grpo"),
        definitions=DEFINITIONS,
        keep=_keep(rows, options, key),
        replaces=frozenset({"prompt-only", "prompt-completion", "alpaca", "classification", "unpaired-preference"}),
    )


def _reading(rows: Rows, options: str, key: str) -> tuple[str, str, str] | None:
    """What the key is, in words; the code for the answer; the code for the options' arguments."""
    pairs = [(item[options], item[key]) for item in rows if item.get(options) and item.get(key) not in (None, "")]
    structs = bool(pairs) and most(isinstance(held, dict) for held, _ in pairs)
    cell = row(options)
    texts = f'{cell}["text"], {cell}["label"]' if structs else cell
    for fits, said, right in _KEYS:
        if pairs and most(fits(_texts(held), _labels(held), value) for held, value in pairs):
            return said.format(shown(key)), right.format(key=row(key), labels=f'{cell}["label"]' if structs else "LETTERS"), texts
    return None


def _is_index(texts: list[Any], labels: list[Any], value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(texts)


def _is_label(texts: list[Any], labels: list[Any], value: Any) -> bool:
    return isinstance(value, str) and value in labels[: len(texts)]


def _is_digit(texts: list[Any], labels: list[Any], value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal() and int(value) < len(texts)


def _is_text(texts: list[Any], labels: list[Any], value: Any) -> bool:
    return isinstance(value, str) and value in texts


_KEYS: tuple[tuple[Callable[[list[Any], list[Any], Any], bool], str, str], ...] = (
    (_is_index, "{} counts them from 0: the letter is the answer", "{labels}[{key}]"),
    (_is_label, "the letter in {} is the answer", "{key}"),
    (_is_digit, "{} counts them from 0: the letter is the answer", "{labels}[int({key})]"),
    (_is_text, "the text in {} is the answer", "{key}"),
)


def _texts(held: Any) -> list[Any]:
    texts = held.get("text") if isinstance(held, dict) else held
    return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else []


def _labels(held: Any) -> list[Any]:
    labels = held.get("label") if isinstance(held, dict) else list(LETTERS)
    return labels if isinstance(labels, list) else []


def _keep(rows: Rows, options: str, key: str) -> str | None:
    """Test splits carry an empty key."""
    if len(cells(rows, options)) == len(rows) == len(cells(rows, key)):
        return None
    return f'{row(options)} and {row(key)} not in (None, "")'
