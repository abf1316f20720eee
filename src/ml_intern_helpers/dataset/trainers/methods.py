"""Finds the problems that each of TRL's trainers has with rows: what stops it, and what it misreads without an error.

It also finds rows from which a method can learn nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ROLES, first_named, leaves_out
from ml_intern_helpers.dataset.labels import desirable, is_desirable
from ml_intern_helpers.dataset.shapes import conversations, questions
from ml_intern_helpers.dataset.trainers.rows import (
    Problem,
    Row,
    answer_problems,
    column_problems,
    conversational,
    is_chat,
    missing,
    mixed,
    picture_column,
    stray_text,
    system_ignored,
    tools_problems,
    unplaced_images,
)

#: Strings that share fewer leading characters than this ("The ") share them by chance, not because of a common prompt.
SHORTEST_PROMPT = 8
PAIR = ("chosen", "rejected")
ANSWERED = ("prompt", "completion")
#: Names that TRL itself passes to a reward function: a column of that name makes the call fail.
TAKEN = ("prompts", "completions")
#: Columns that TRL does not hand on to reward functions.
KEPT_BACK = ("prompt", "completion", "completion_ids")


def sft_problems(rows: list[Row]) -> list[Problem]:
    """The problems that `SFTTrainer` has with `rows`; empty when it trains as intended."""
    first = rows[0]
    if "input_ids" in first:
        at = _where(rows, lambda row: not _is_token_ids(row["input_ids"]))
        return [Problem("kind", "'input_ids' is not a list of token ids", at, columns=("input_ids",))] if at else []
    turns = first.get("conversations")
    # TRL's own test for ShareGPT rows.
    if isinstance(turns, list) and turns and isinstance(turns[0], dict) and {"from", "value"} <= set(turns[0]):
        return _sft_problems([_chatml(row) for row in rows], "conversations")
    return _sft_problems(rows, "messages")


def _sft_problems(rows: list[Row], messages: str) -> list[Problem]:
    """The problems of SFT with rows of text; `messages` is the name that the dataset gives to the column of messages."""
    first = rows[0]
    if "prompt" in first:
        return _prompt_completion(rows, messages) + tools_problems(rows)
    chat = conversational(first)[0]
    column = "messages" if chat else "text"
    if column not in first:
        if {*PAIR} <= set(first):
            return [Problem("missing", f"preference rows hold two answers: SFT needs '{column}', or 'prompt' and 'completion'")]
        return [Problem("missing", "SFT needs 'messages', 'text', or 'prompt' and 'completion', and finds none of them")]
    named = messages if column == "messages" else column
    problems = stray_text(first, messages) + column_problems(rows, column, chat, named) + tools_problems(rows)
    if problems or chat:
        return problems or system_ignored(rows, column)
    if conversations.columns(first):
        message = "each row is one turn of a conversation: TRL would learn it alone, whoever said it"
        return [Problem("single_turns", message, silent=True)]
    # TRL does not read an answer or a class beside `text` (such as a summary), which the text does not contain.
    answers = [name for name in ROLES["completion"][0] if name in first]
    target = next((name for name in answers if leaves_out(rows, "text", name)), None) or questions.ignored(rows)
    if target:
        message = f"TRL would learn 'text' alone and ignore {target!r}, which is not in it"
        return [Problem("target_ignored", message, silent=True)]
    return unplaced_images(rows, [column])


def _is_token_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, int) for item in value)


def _prompt_completion(rows: list[Row], messages: str) -> list[Problem]:
    """The problems of SFT with a `prompt` column: TRL then reads prompt and completion, even if there are other columns."""
    if "completion" not in rows[0]:
        beside = messages if "messages" in rows[0] else "text" if "text" in rows[0] else None
        if beside:
            return [Problem("stray_prompt", f"'prompt' beside '{beside}' makes TRL read prompt-completion")]
        return missing("SFT", rows[0], ["completion"])
    problems = mixed(rows[0], ANSWERED, messages) or answer_problems(rows, ANSWERED) or unplaced_images(rows, ANSWERED)
    return problems or _label(rows) or system_ignored(rows, "prompt")


def _label(rows: list[Row]) -> list[Problem]:
    """The problem that rows are labelled for KTO: SFT would train on the undesirable answers as well."""
    name = first_named(rows[0], ROLES["label"][0])
    good = desirable(row.get(name) for row in rows) if name else None
    if name is None or not good:
        return []
    bad = _where(rows, lambda row: is_desirable(good, row[name]) is False)
    # A score that is 0 in every row says nothing about the answers.
    if not bad or (name != "label" and len(bad) == len(rows)):
        return []
    message = f"SFT ignores {name!r} and would learn the undesirable completions too"
    return [Problem("label_ignored", message, bad, silent=True, columns=(name,))]


def _chatml(row: Row) -> Row:
    """`row` as TRL's `maybe_convert_to_chatml` returns it: keys of turns renamed, roles `human` and `gpt` unchanged."""
    names = {"from": "role", "value": "content"}
    turns = row.get("conversations")
    if isinstance(turns, list):
        turns = [
            {names.get(key, key): value for key, value in turn.items()} if isinstance(turn, dict) else turn for turn in turns
        ]
    return {**{name: value for name, value in row.items() if name != "conversations"}, "messages": turns}


def dpo_problems(rows: list[Row], method: str = "DPO") -> list[Problem]:
    """The problems that `DPOTrainer` has with `rows`; empty when it trains as intended."""
    columns = ("prompt", *PAIR) if "prompt" in rows[0] else PAIR
    problems = _pair_problems(method, rows) or unplaced_images(rows, columns)
    if problems:
        return problems
    if "prompt" in rows[0]:
        return _repeated_prompt(rows) or system_ignored(rows, "prompt")
    return _shared_prompt(rows) or (system_ignored(rows, "chosen") if is_chat(rows[0]["chosen"]) else [])


def reward_problems(rows: list[Row]) -> list[Problem]:
    """The problems that `RewardTrainer` has with `rows`. Without `prompt` it scores `chosen` and `rejected` as they are."""
    problems = _pair_problems("Reward", rows)
    pictures = picture_column(rows[0])
    if not problems and pictures:  # unlike the others, this trainer does not support vision-language models
        problems = [Problem("images", f"RewardTrainer looks at no images: {pictures!r} would be left out", silent=True)]
    if problems:
        return problems
    return _repeated_prompt(rows) or system_ignored(rows, "prompt") if "prompt" in rows[0] else _no_question(rows)


def _pair_problems(method: str, rows: list[Row]) -> list[Problem]:
    columns = ("prompt", *PAIR) if "prompt" in rows[0] else PAIR
    problems = missing(method, rows[0], PAIR)
    return problems or mixed(rows[0], columns) or answer_problems(rows, columns) + tools_problems(rows)


def _repeated_prompt(rows: list[Row]) -> list[Problem]:
    """The problem that answers begin with the explicit prompt, so that the trainer would add it a second time."""

    def begins(row: Row) -> bool:
        prompt = row["prompt"]
        if not prompt or (isinstance(prompt, str) and len(prompt) < SHORTEST_PROMPT):
            return False  # answers may begin with a short string by chance
        return all(row[side][: len(prompt)] == prompt and len(row[side]) > len(prompt) for side in PAIR)

    at = _where(rows, begins)
    if 2 * len(at) < len(rows):
        return []  # an answer may quote its question
    message = "'chosen' and 'rejected' begin with 'prompt', which TRL prepends once more"
    return [Problem("repeated_prompt", message, at, silent=True, columns=("prompt", *PAIR))]


def _shared_prompt(rows: list[Row]) -> list[Problem]:
    """The problem that pairs without `prompt` share no beginning, which TRL takes for the prompt, however short it is."""

    def no_prompt(row: Row) -> bool:
        least = SHORTEST_PROMPT if isinstance(row["chosen"], str) else 1
        shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(row["chosen"], row["rejected"], strict=False))
        return row["chosen"] != row["rejected"] and sum(1 for _ in shared) < least

    at = _where(rows, no_prompt)
    strings = isinstance(rows[0]["chosen"], str)
    if not at or (strings and 10 * len(at) < len(rows)):
        return []  # a few strings without a common beginning cost a few rows, but messages without one are a crash
    ignored = _question_column(rows[0])
    message = "'chosen' and 'rejected' share no beginning, in which TRL would find the prompt"
    if ignored:
        message = (
            f"TRL ignores {ignored!r}: it looks for the prompt in what 'chosen' and 'rejected' share, and they share nothing"
        )
    # Strings train without an error on an empty prompt; messages crash in the chat template.
    return [Problem("no_prompt", message, at, silent=strings, columns=(*PAIR, *filter(None, [ignored])))]


def _no_question(rows: list[Row]) -> list[Problem]:
    """The problem that answers come without their question, so that the reward model would not see it."""
    ignored = _question_column(rows[0])

    def lacks_question(row: Row) -> bool:
        """Whether messages lack a user turn, or a string lacks the text of the column with the question."""
        if isinstance(row["chosen"], list):
            return not any(turn.get("role") == "user" for turn in row["chosen"])
        return ignored is not None and str(row[ignored]) not in row["chosen"]

    at = _where(rows, lacks_question)
    if 2 * len(at) < len(rows):
        return []
    why = f"TRL ignores {ignored!r}" if ignored else "'chosen' and 'rejected' hold no user turn"
    message = f"{why}: the reward model would not see what was asked"
    return [Problem("no_prompt", message, at, silent=True, columns=(ignored,) if ignored else PAIR)]


def _question_column(row: Row) -> str | None:
    """A column that holds the question under a name that TRL does not read."""
    return next((name for name in ROLES["prompt"][0] if name != "prompt" and isinstance(row.get(name), str)), None)


def kto_problems(rows: list[Row]) -> list[Problem]:
    """The problems that `KTOTrainer` has with `rows`; empty when it trains as intended."""
    if {*PAIR} <= set(rows[0]):
        # TRL splits pairs into `completion` and `label`, which existing columns of these names then overwrite.
        clash = " and ".join(repr(name) for name in ("completion", "label") if name in rows[0])
        if not clash:
            return dpo_problems(rows, "KTO")
        message = f"TRL takes pairs apart into 'completion' and 'label', and the existing {clash} overwrites them"
        return [Problem("stray", message, silent=not isinstance(rows[0].get("label"), str))]
    problems = missing("KTO", rows[0], (*ANSWERED, "label"))
    if problems:
        return problems
    problems = mixed(rows[0], ANSWERED) or answer_problems(rows, ANSWERED) + _label_values(rows) + tools_problems(rows)
    return problems or unplaced_images(rows, ANSWERED) or system_ignored(rows, "prompt")


def _label_values(rows: list[Row]) -> list[Problem]:
    """The problems with labels: they must be true, false, 0 or 1. Any other number counts as desirable, and text crashes."""
    nulls = _where(rows, lambda row: row["label"] is None)
    wrong = _where(rows, lambda row: row["label"] is not None and not _is_label(row["label"]))
    problems = [Problem("null", "'label' is null", nulls, columns=("label",))] if nulls else []
    if wrong:
        texts = any(isinstance(rows[position]["label"], str) for position in wrong)
        message = "'label' is text, not true or false"
        if not texts:
            message = "'label' holds numbers other than 0 and 1: TRL takes every one but 0 for desirable"
        problems.append(Problem("label", message, wrong, silent=not texts, columns=("label",)))
    return problems


def _is_label(value: object) -> bool:
    return isinstance(value, (bool, int, float)) and value in (0, 1)


def grpo_problems(rows: list[Row]) -> list[Problem]:
    """The problems that `GRPOTrainer` has with `rows`; empty when it trains as intended."""
    first = rows[0]
    problems = missing("GRPO", first, ("prompt",))
    if problems:
        return problems
    chat = is_chat(first["prompt"])
    problems = column_problems(rows, "prompt", chat)
    clash = " and ".join(repr(name) for name in TAKEN if name in first)
    if clash:
        message = f"a column named {clash} collides with TRL's own argument of the reward functions"
        problems.append(Problem("taken", message))
    pictures = picture_column(first)
    if pictures and not chat:
        problems.append(Problem("images", f"'{pictures}' needs prompts that are messages; these are strings"))
    plain = conversational(first)[1]
    if not problems and plain and pictures:  # with images, TRL tests the whole row for being a conversation
        message = f"{', '.join(map(repr, plain))} as text beside messages and images: by PYTHONHASHSEED, TRL stops at the row"
        problems.append(Problem("luck", message))
    return problems or (_last_turn(rows) if chat else [])


def _last_turn(rows: list[Row]) -> list[Problem]:
    """The problem that a prompt does not end with a turn of the user or a tool: TRL generates an answer to any last turn."""
    codes = {"system": "system_last", "developer": "system_last", "assistant": "answered"}
    messages = {
        "system_last": "'prompt' ends with a system turn: the model would answer nobody's question",
        "answered": "'prompt' ends with the assistant's turn: the answer is there already, and the model would speak after it",
    }
    at: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        code = codes.get(row["prompt"][-1]["role"])
        if code:
            at.setdefault(code, []).append(position)
    return [Problem(code, messages[code], tuple(places), silent=True, columns=("prompt",)) for code, places in at.items()]


def reward_columns(columns: list[str]) -> list[str]:
    """The columns a reward function receives."""
    return [name for name in columns if name not in KEPT_BACK and name not in TAKEN]


def _where(rows: list[Row], test: Callable[[Row], bool]) -> tuple[int, ...]:
    return tuple(position for position, row in enumerate(rows) if test(row))


#: Method -> the function that finds its problems with rows.
READERS: dict[str, Callable[[list[Row]], list[Problem]]] = {
    "sft": sft_problems,
    "dpo": dpo_problems,
    "grpo": grpo_problems,
    "kto": kto_problems,
    "reward": reward_problems,
}


MissingSignal = tuple[str, str]


def missing_signal(method: str, rows: list[Row], *, complete: bool) -> MissingSignal | None:
    """Why `method` can learn nothing from `rows`: a code and one line; None when it can learn something.

    Args:
        method: the training method.
        rows: the sample as the trainer would receive it.
        complete: whether the sample is the whole split.
    """
    if method == "grpo":
        return None
    if method == "sft":
        column = next((name for name in ("completion", "messages", "conversations", "text") if name in rows[0]), None)
        if column is None or any(_has_answer(row[column]) for row in rows):
            return None
        what = "has a turn of the assistant's with something in it" if isinstance(rows[0][column], list) else "holds any text"
        return "no_answer", f"no {column!r} of the {len(rows)} rows {what}: there is nothing to learn"
    if "chosen" in rows[0]:
        if any(row["chosen"] != row["rejected"] for row in rows):
            return None
        return "equal_pair", f"'chosen' and 'rejected' are equal in all of the {len(rows)} rows: there is nothing to prefer"
    # Only for a whole split: if data are sorted by label, a sample may show only one of them.
    labels = {row["label"] for row in rows} if method == "kto" and complete else set()
    if len(labels) != 1:
        return None
    return "one_class", f"every 'label' is {next(iter(labels))}: KTO needs desirable and undesirable answers"


def _has_answer(cell: Any) -> bool:
    """Whether a cell in TRL's format holds an answer of the assistant's that is not empty."""
    if isinstance(cell, str):
        return bool(cell.strip())
    turns = [turn for turn in cell or [] if isinstance(turn, dict)]
    answers = [turn for turn in turns if turn.get("role", turn.get("from")) == "assistant"]
    return any(turn.get("tool_calls") or _words(turn.get("content", turn.get("value"))) for turn in answers)


def _words(content: object) -> bool:
    return bool(content.strip()) if isinstance(content, str) else bool(content)
