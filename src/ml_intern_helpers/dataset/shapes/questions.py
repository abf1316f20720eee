"""Answers one level down: SQuAD's `{"text": […]}`, TriviaQA's `{"value": …}`, lists of accepted answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.mapping.code import prompt_messages, quoted, row, turn
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

NAMES = ("answers", "answer", "accepted_answers", "possible_answers", "target", "targets", "output", "outputs")


def nested_answers(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A question whose answer is the first text inside a struct or a list."""
    column = first_named(roles.kinds, NAMES)
    if column is None or not roles.has("prompt") or roles.has("completion") or roles.kind("prompt") != "string":
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
        {"prompt": roles.by_role["prompt"], "completion": column},
        f"{which} in {shown(column)} is taken as the answer" + (", unanswerable questions are left out" if without else ""),
        {"prompt": prompt_messages(roles), "completion": f"[{turn('assistant', row(column) + code)}]"},
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


def multiple_choice(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A question, options beside it, and a key that points at one of them."""
    question, options, key = (first_named(roles.kinds, names) for names in (QUESTIONS, OPTIONS, KEYS))
    if question is None or options is None or key is None or roles.kinds[question] != "string":
        return None
    read = _reading(rows, options, key)
    if read is None:
        return None
    said, right, texts = read
    prompt_messages = f'{row(question)} + "\\n\\n" + options({texts})'
    return Shape(
        "multiple-choice",
        {"prompt": question, "options": options, "completion": key},
        f"the options in {shown(options)} are written under {shown(question)}, and {said}",
        {
            "prompt": f"[{turn('user', prompt_messages)}]",
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


TEXTS = ("text", "sentence", "review", "utterance", "tweet", "headline", "title", "comment", "content", "document", "message")
CLASSES = (
    "label_text", "label_name", "label", "labels", "class", "sentiment", "intent", "emotion", "coarse_label",
    "fine_label",
)  # fmt: skip
CLASSIFIER = "for a classifier proper use transformers' AutoModelForSequenceClassification, it is none of these methods"
#: A class has a short name.
LONGEST_NAME = 60


def classification(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A text beside a column of few different values, and nothing that could be an answer."""
    if any(roles.has(part) for part in ("messages", "completion", "chosen", "dialogue", "images")):
        return None
    text = first_named(roles.kinds, TEXTS)
    column = first_named((name for name, kind in roles.kinds.items() if kind in ("string", "int", "bool")), CLASSES)
    if text is None or column is None or roles.kinds[text] != "string" or not _few(rows, column):
        return None
    columns = {"text": text, "class": column}
    if roles.kinds[column] != "string":
        told = (
            f"{shown(column)} is a number: for a chat model that answers with the class, map {shown(text)} to 'prompt' and the "
            f"name of the class to 'completion' (a ClassLabel has int2str); {CLASSIFIER}"
        )
        return Shape("classification", columns, told, replaces=frozenset({"text"}))
    short = min(len(cells(rows, text)), len(cells(rows, column))) < len(rows)
    return Shape(
        "classification",
        columns,
        f"the model learns to answer {shown(text)} with {shown(column)}; {CLASSIFIER}",
        {"prompt": f"[{turn('user', row(text))}]", "completion": f"[{turn('assistant', row(column))}]"},
        ("sft",),
        keep=f"{row(text)} and {row(column)}" if short else None,
        replaces=frozenset({"text"}),
    )


def ignored(rows: Rows) -> str | None:
    """The class in words beside `text` that a trainer of `text` alone would not look at, and that the text does not hold."""
    if not isinstance(rows[0].get("text"), str):
        return None
    names = [name for name, value in rows[0].items() if isinstance(value, str)]
    column = first_named(names, CLASSES)
    if column is None or not _few(rows, column):
        return None
    return column if most(str(row.get(column)).lower() not in str(row.get("text")).lower() for row in rows) else None


def _few(rows: Rows, column: str) -> bool:
    held = [str(row[column]) for row in rows if row.get(column) is not None]
    return 1 < len(set(held)) <= max(2, len(held) // 2) and max(map(len, held)) <= LONGEST_NAME


TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "pos_tags", "chunk_tags", "tags", "labels")


def token_tags(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A list of words and a list of tags."""
    tokens, tags = first_named(roles.kinds, TOKENS), first_named(roles.kinds, TAGS)
    if (
        not tokens
        or not tags
        or roles.kinds[tokens] != "list of string"
        or roles.kinds[tags] not in ("list of int", "list of string")
    ):
        return None
    return Shape(
        "token-classification",
        {"tokens": tokens, "tags": tags},
        "transformers' AutoModelForTokenClassification trains on such rows, none of these methods does",
        refuses=("sft", "dpo", "grpo", "kto", "reward"),
        because=f"{shown(tokens)} are words with a tag each in {shown(tags)}",
    )


TRANSLATION_COLUMNS = ("translation", "translations")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?")


def translation(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A struct whose keys are languages. Which is the source is not to be seen: the first, and the other way is named."""
    column = first_named(roles.kinds, TRANSLATION_COLUMNS)
    held = cells(rows, column) if column else []
    if column is None or not most(isinstance(cell, dict) for cell in held):
        return None
    languages = _languages(held)
    if len(languages) < 2:
        return None
    source, target = languages[:2]
    cell = row(column)
    others = "" if len(languages) == 2 else f"; {shown(', '.join(languages[2:10]))} are there as well"
    return Shape(
        "translation",
        {"prompt": column, "completion": column},
        f"from {shown(source)} to {shown(target)}: swap them for the other way, and put an instruction in front if the model "
        f"shall do more than this{others}",
        {
            "prompt": f"[{turn('user', f'{cell}[{quoted(source)}]')}]",
            "completion": f"[{turn('assistant', f'{cell}[{quoted(target)}]')}]",
        },
        ("sft",),
        keep=_translation_keep(cell, held, len(rows), (source, target)),
    )


def _languages(held: list[Any]) -> list[str]:
    """Keys that every cell has and that name a language, in the data's order."""
    keys = [key for key in held[0] if isinstance(key, str) and _LANGUAGE.fullmatch(key)] if isinstance(held[0], dict) else []
    return [key for key in keys if most(isinstance(cell, dict) and isinstance(cell.get(key), str) for cell in held)]


def _translation_keep(cell: str, held: list[Any], total: int, pair: tuple[str, str]) -> str | None:
    if len(held) == total and all(isinstance(item, dict) and all(item.get(key) for key in pair) for item in held):
        return None
    return " and ".join([cell, *(f"{cell}[{quoted(key)}]" for key in pair)])
