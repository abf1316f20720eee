"""Finds shapes of questions and labelled texts: nested answers, multiple choice, classification, token tags, translation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import prompt_messages, quoted, row, turn
from ml_intern_helpers.dataset.shapes.shape import METHODS, Rows, Shape, cells, most

ANSWER_COLUMNS = ("answers", "answer", "accepted_answers", "possible_answers", "target", "targets", "output", "outputs")
#: Places of an answer's text inside its cell: keys and indexes -> the code for them.
_PATHS: dict[tuple[str | int, ...], str] = {
    ("text", 0): '["text"][0]',
    ("text",): '["text"]',
    ("value",): '["value"]',
    (0,): "[0]",
}


def nested_answers(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A question whose answer is the first text in a struct or list: SQuAD's `{"text": […]}`, TriviaQA's `{"value": …}`."""
    column = first_named(roles.kinds, ANSWER_COLUMNS)
    if column is None or not roles.has("prompt") or roles.has("completion") or roles.kind("prompt") != "string":
        return None
    answers = cells(rows, column)
    steps = next((path for path in _PATHS if answers and most(_answer(cell, path) is not None for cell in answers)), None)
    if steps is None:
        return None
    more_than_one = any(_has_several(item.get(column), steps) for item in rows)
    without = any(not _answer(item.get(column), steps) for item in rows)
    # The code for the list or text that must not be empty.
    inside = "".join(f'["{step}"]' for step in steps if isinstance(step, str)) if steps[0] != 0 else ""
    return Shape(
        "nested-answers",
        {"prompt": roles.by_role["prompt"], "completion": column},
        f"{'the first text' if more_than_one else 'the text'} in {shown_name(column)} is taken as the answer"
        + (", unanswerable questions are left out" if without else ""),
        {"prompt": prompt_messages(roles), "completion": f"[{turn('assistant', row(column) + _PATHS[steps])}]"},
        ("sft",),
        keep=f"{row(column)} and {row(column)}{inside}" if without else None,
        replaces=frozenset({"prompt-only"}),
    )


def _answer(cell: Any, steps: tuple[str | int, ...]) -> str | None:
    """The text that `steps` lead to, or None when there is none."""
    for step in steps:
        cell = _step(cell, step)
    return cell if isinstance(cell, str) and cell else None


def _has_several(cell: Any, steps: tuple[str | int, ...]) -> bool:
    """Whether the list that `steps` lead through has more than one item."""
    for step in steps[: steps.index(0)] if 0 in steps else ():
        cell = _step(cell, step)
    return 0 in steps and isinstance(cell, list) and len(cell) > 1


def _step(cell: Any, step: str | int) -> Any:
    if step == 0:
        return cell[0] if isinstance(cell, list) and cell else None
    return cell.get(step) if isinstance(cell, dict) else None


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


#: Forms of the answer key: a test of (options, their labels, key), its meaning in words, and the code for the answer.
_KEYS: tuple[tuple[Callable[[list[Any], list[Any], Any], bool], str, str], ...] = (
    (
        lambda texts, labels, key: isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(texts),
        "{} counts them from 0: the letter is the answer",
        "{labels}[{key}]",
    ),
    (
        lambda texts, labels, key: isinstance(key, str) and key in labels[: len(texts)],
        "the letter in {} is the answer",
        "{key}",
    ),
    (
        lambda texts, labels, key: isinstance(key, str) and key.isdecimal() and int(key) < len(texts),
        "{} counts them from 0: the letter is the answer",
        "{labels}[int({key})]",
    ),
    (lambda texts, labels, key: isinstance(key, str) and key in texts, "the text in {} is the answer", "{key}"),
)


def multiple_choice(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A question, a list of options, and a key that points at one of them (MMLU, ARC, CommonsenseQA, HellaSwag …)."""
    question, options, key = (first_named(roles.kinds, names) for names in (QUESTIONS, OPTIONS, KEYS))
    if question is None or options is None or key is None or roles.kinds[question] != "string":
        return None
    pairs = [(item[options], item[key]) for item in rows if item.get(options) and item.get(key) not in (None, "")]
    fitting = [item for item in _KEYS if pairs and most(item[0](_texts(cell), _labels(cell), value) for cell, value in pairs)]
    if not fitting:
        return None
    _, meaning, right = fitting[0]
    structs = most(isinstance(cell, dict) for cell, _ in pairs)
    labels = f'{row(options)}["label"]' if structs else "LETTERS"
    texts = f'{row(options)}["text"], {labels}' if structs else row(options)
    question_text = f'{row(question)} + "\\n\\n" + options({texts})'
    # The key is empty in test splits.
    whole = len(cells(rows, options)) == len(rows) == len(cells(rows, key))
    return Shape(
        "multiple-choice",
        {"prompt": question, "options": options, "completion": key},
        f"the options in {shown_name(options)} are written under {shown_name(question)}, and {meaning.format(shown_name(key))}",
        {
            "prompt": f"[{turn('user', question_text)}]",
            "completion": f"[{turn('assistant', right.format(key=row(key), labels=labels))}]",
        },
        ("sft", "grpo"),
        definitions=DEFINITIONS,
        keep=None if whole else f'{row(options)} and {row(key)} not in (None, "")',
        replaces=frozenset({"prompt-only", "prompt-completion", "alpaca", "classification", "unpaired-preference"}),
    )


def _texts(options: Any) -> list[Any]:
    texts = options.get("text") if isinstance(options, dict) else options
    return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else []


def _labels(options: Any) -> list[Any]:
    labels = options.get("label") if isinstance(options, dict) else list(LETTERS)
    return labels if isinstance(labels, list) else []


TEXTS = ("text", "sentence", "review", "utterance", "tweet", "headline", "title", "comment", "content", "document", "message")
CLASSES = (
    "label_text", "label_name", "label", "labels", "class", "sentiment", "intent", "emotion", "coarse_label",
    "fine_label",
)  # fmt: skip
CLASSIFIER = "to train a classifier, use transformers' AutoModelForSequenceClassification instead of these methods"
#: Longer values are not taken for names of classes.
LONGEST_NAME = 60


def classification(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A text and a column with few different values, without a column of answers.

    Such rows train a classifier, or a chat model that answers with the name of the class.
    """
    if any(roles.has(role) for role in ("messages", "completion", "chosen", "dialogue", "images")):
        return None
    text = first_named(roles.kinds, TEXTS)
    column = first_named((name for name, kind in roles.kinds.items() if kind in ("string", "int", "bool")), CLASSES)
    if text is None or column is None or roles.kinds[text] != "string" or not _few(rows, column):
        return None
    columns = {"text": text, "class": column}
    if roles.kinds[column] != "string":
        message = (
            f"{shown_name(column)} is a number: for a chat model that answers with the class, map {shown_name(text)} to 'prompt' "
            f"and the name of the class to 'completion' (a ClassLabel has int2str); {CLASSIFIER}"
        )
        return Shape("classification", columns, message, replaces=frozenset({"text"}))
    short = min(len(cells(rows, text)), len(cells(rows, column))) < len(rows)
    return Shape(
        "classification",
        columns,
        f"the model learns to answer {shown_name(text)} with {shown_name(column)}; {CLASSIFIER}",
        {"prompt": f"[{turn('user', row(text))}]", "completion": f"[{turn('assistant', row(column))}]"},
        ("sft",),
        keep=f"{row(text)} and {row(column)}" if short else None,
        replaces=frozenset({"text"}),
    )


def ignored(rows: Rows) -> str | None:
    """The column with class names that a trainer of `text` would not read, when most texts do not contain them."""
    if not isinstance(rows[0].get("text"), str):
        return None
    names = [name for name, value in rows[0].items() if isinstance(value, str)]
    column = first_named(names, CLASSES)
    if column is None or not _few(rows, column):
        return None
    return column if most(str(row.get(column)).lower() not in str(row.get("text")).lower() for row in rows) else None


def _few(rows: Rows, column: str) -> bool:
    """Whether the values of `column` repeat and are short enough to be names of classes."""
    values = [str(row[column]) for row in rows if row.get(column) is not None]
    return 1 < len(set(values)) <= max(2, len(values) // 2) and max(map(len, values)) <= LONGEST_NAME


TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "pos_tags", "chunk_tags", "tags", "labels")


def token_tags(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Tokens with a tag each (named entities, parts of speech): none of these methods trains on them."""
    tokens, tags = first_named(roles.kinds, TOKENS), first_named(roles.kinds, TAGS)
    if not tokens or roles.kinds[tokens] != "list of string":
        return None
    if not tags or roles.kinds[tags] not in ("list of int", "list of string"):
        return None
    return Shape(
        "token-classification",
        {"tokens": tokens, "tags": tags},
        "transformers' AutoModelForTokenClassification trains on such rows, none of these methods does",
        refuses=METHODS,
        because=f"{shown_name(tokens)} holds words, with a tag for each in {shown_name(tags)}",
    )


TRANSLATION_COLUMNS = ("translation", "translations")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?")


def translation(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A struct with a key per language (`{"en": …, "de": …}`): the first is taken as the source, the second as the target."""
    column = first_named(roles.kinds, TRANSLATION_COLUMNS)
    structs = cells(rows, column) if column else []
    if column is None or not most(isinstance(cell, dict) for cell in structs):
        return None
    first = structs[0] if isinstance(structs[0], dict) else {}
    keys = [key for key in first if isinstance(key, str) and _LANGUAGE.fullmatch(key)]
    languages = [key for key in keys if most(isinstance(cell, dict) and isinstance(cell.get(key), str) for cell in structs)]
    if len(languages) < 2:
        return None
    source, target = languages[:2]
    cell = row(column)
    whole = len(structs) == len(rows) and all(
        isinstance(item, dict) and item.get(source) and item.get(target) for item in structs
    )
    others = "" if len(languages) == 2 else f"; {shown_name(', '.join(languages[2:10]))} are there as well"
    return Shape(
        "translation",
        {"prompt": column, "completion": column},
        f"from {shown_name(source)} to {shown_name(target)}: swap them for the other direction, and put an instruction in front "
        f"if the model is to learn more than this{others}",
        {
            "prompt": f"[{turn('user', f'{cell}[{quoted(source)}]')}]",
            "completion": f"[{turn('assistant', f'{cell}[{quoted(target)}]')}]",
        },
        ("sft",),
        keep=None if whole else f"{cell} and {cell}[{quoted(source)}] and {cell}[{quoted(target)}]",
    )
