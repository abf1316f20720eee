"""The methods a verdict is given for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ml_intern_helpers.dataset.column_roles import ROLES, first_named, leaves_out
from ml_intern_helpers.dataset.labels import desirable, is_desirable
from ml_intern_helpers.dataset.shapes import conversations, questions
from ml_intern_helpers.dataset.trainers.rows import (
    PICTURES,
    Problem,
    Row,
    answer_problems,
    column_problems,
    conversational,
    is_chat,
    missing,
    mixed,
    stray_text,
    system_ignored,
    tools_problems,
    unplaced_images,
)


def sft_problems(rows: list[Row]) -> list[Problem]:
    """What keeps `SFTTrainer` from training on `rows` as meant; empty when nothing does."""
    if "input_ids" in rows[0]:
        return _tokenised(rows)
    # TRL's own test for ShareGPT rows
    turns = rows[0].get("conversations")
    if isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and {"from", "value"} <= set(turns[0]):
        found = sft_problems([_chatml(row) for row in rows])
        return [_about_conversations(problem) for problem in found]
    if "prompt" in rows[0]:
        return _prompt_completion(rows) + tools_problems(rows)
    chat = conversational(rows[0])[0]
    column = "messages" if chat else "text"
    if column not in rows[0]:
        return _no_text(rows[0], column)
    found = stray_text(rows[0]) + column_problems(rows, column, chat) + tools_problems(rows)
    if found:
        return found
    return system_ignored(rows, column) if chat else _single_turns(rows[0]) or _target(rows) or unplaced_images(rows, [column])


def _single_turns(row: Row) -> list[Problem]:
    """A message per row (OpenAssistant): each would be learnt by itself, the users' like the assistant's."""
    if conversations.columns(row) is None:
        return []
    return [
        Problem("single_turns", "each row is one turn of a conversation: TRL would learn it alone, whoever said it", silent=True)
    ]


def _target(rows: list[Row]) -> list[Problem]:
    """An answer or a class beside `text` that the text does not hold (text and summary): TRL never looks at it."""
    names = [name for name in ROLES["completion"][0] if name in rows[0]]
    name = next((name for name in names if leaves_out(rows, "text", name)), None) or questions.ignored(rows)
    told = f"TRL would learn 'text' alone and ignore {name!r}, which is not in it"
    return [Problem("target_ignored", told, silent=True)] if name else []


def _prompt_completion(rows: list[Row]) -> list[Problem]:
    """A `prompt` column settles it: TRL reads prompt and completion, whatever else is there."""
    if "completion" not in rows[0]:
        beside = next((name for name in ("messages", "text") if name in rows[0]), None)
        if beside:
            return [Problem("stray_prompt", f"'prompt' beside '{beside}' makes TRL read prompt-completion")]
        return missing("SFT", rows[0], ["completion"])
    columns = ("prompt", "completion")
    found = mixed(rows[0], columns) or answer_problems(rows, columns) or unplaced_images(rows, columns)
    return found or _label(rows) or system_ignored(rows, "prompt")


def _label(rows: list[Row]) -> list[Problem]:
    """Rows for KTO: SFT would learn the undesirable answers as well."""
    name = first_named(rows[0], ROLES["label"][0])
    good = desirable(row.get(name) for row in rows) if name else None
    bad = tuple(position for position, row in enumerate(rows) if name and good and is_desirable(good, row[name]) is False)
    # A score that is 0 in every row says nothing of the answers.
    if name is None or not bad or (name != "label" and len(bad) == len(rows)):
        return []
    told = f"SFT ignores {name!r} and would learn the undesirable completions too"
    return [Problem("label_ignored", told, bad, silent=True, columns=(name,))]


def _no_text(row: Row, column: str) -> list[Problem]:
    if "input_ids" not in row and {"chosen", "rejected"} <= set(row):
        return [Problem("missing", f"preference rows hold two answers: SFT needs '{column}', or 'prompt' and 'completion'")]
    return [Problem("missing", "SFT needs 'messages', 'text', or 'prompt' and 'completion', and finds none of them")]


def _tokenised(rows: list[Row]) -> list[Problem]:
    at = tuple(position for position, row in enumerate(rows) if not _token_ids(row["input_ids"]))
    return [Problem("kind", "'input_ids' is not a list of token ids", at, columns=("input_ids",))] if at else []


def _token_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, int) for item in value)


def _about_conversations(problem: Problem) -> Problem:
    """A problem of `messages` that TRL has made of the column `conversations`."""
    columns = tuple("conversations" if name == "messages" else name for name in problem.columns)
    return replace(problem, message=problem.message.replace("'messages'", "'conversations'"), columns=columns)


def _chatml(row: Row) -> Row:
    """`maybe_convert_to_chatml`: it renames the keys of a turn and leaves the roles `human` and `gpt` as they are."""
    turns = row.get("conversations")
    rest = {name: value for name, value in row.items() if name != "conversations"}
    return {**rest, "messages": [_turn(turn) for turn in turns] if isinstance(turns, list) else turns}


def _turn(turn: object) -> object:
    if not isinstance(turn, dict):
        return turn
    names = {"from": "role", "value": "content"}
    return {names.get(name, name): value for name, value in turn.items()}


#: A shared beginning of two strings shorter than this is chance ("The "), not a prompt.
SHORTEST_PROMPT = 8
PAIR = ("chosen", "rejected")


def dpo_problems(rows: list[Row], method: str = "DPO") -> list[Problem]:
    """What keeps `DPOTrainer` from training on `rows` as meant; empty when nothing does."""
    found = missing(method, rows[0], PAIR)
    if found:
        return found
    columns = ("prompt", *PAIR) if "prompt" in rows[0] else PAIR
    found = mixed(rows[0], columns) or answer_problems(rows, columns) + tools_problems(rows)
    found = found or unplaced_images(rows, columns)
    if found:
        return found
    if "prompt" in rows[0]:
        return repeated_prompt(rows) or system_ignored(rows, "prompt")
    return shared_prompt(rows) or (system_ignored(rows, "chosen") if is_chat(rows[0]["chosen"]) else [])


def reward_problems(rows: list[Row]) -> list[Problem]:
    """What keeps `RewardTrainer` from training on `rows` as meant. Without `prompt` it scores chosen and rejected whole."""
    found = missing("Reward", rows[0], PAIR)
    if found:
        return found
    columns = ("prompt", *PAIR) if "prompt" in rows[0] else PAIR
    found = mixed(rows[0], columns) or answer_problems(rows, columns) + tools_problems(rows)
    found = found or _pictures(rows[0])
    if found:
        return found
    return repeated_prompt(rows) or system_ignored(rows, "prompt") if "prompt" in rows[0] else _asked_nothing(rows)


def _pictures(row: Row) -> list[Problem]:
    """The other trainers take vision-language models, this one does not."""
    name = next((name for name in PICTURES if row.get(name)), None)
    return [Problem("images", f"RewardTrainer looks at no images: {name!r} would be left out", silent=True)] if name else []


def repeated_prompt(rows: list[Row]) -> list[Problem]:
    """Explicit prompt and answers that begin with it: the trainer would put it there twice."""
    at = tuple(position for position, row in enumerate(rows) if row["prompt"] and _begins(row))
    if 2 * len(at) < len(rows):
        return []  # an answer may quote its question
    return [
        Problem(
            "repeated_prompt",
            "'chosen' and 'rejected' begin with 'prompt', which TRL prepends once more",
            at,
            silent=True,
            columns=("prompt", *PAIR),
        )
    ]


def _begins(row: Row) -> bool:
    """Both answers repeat the prompt; a short string may do so by chance."""
    size = len(row["prompt"])
    if isinstance(row["prompt"], str) and size < SHORTEST_PROMPT:
        return False
    return all(row[side][:size] == row["prompt"] and len(row[side]) > size for side in PAIR)


def shared_prompt(rows: list[Row]) -> list[Problem]:
    """Implicit prompt: what chosen and rejected share at the start. TRL takes it for the prompt, however short."""
    none = tuple(position for position, row in enumerate(rows) if _no_prompt(row))
    strings = isinstance(rows[0]["chosen"], str)
    if not none or (strings and 10 * len(none) < len(rows)):
        return []  # a few strings that differ early cost a few rows; a turn that differs at once is a crash
    ignored = question_column(rows[0])
    told = "'chosen' and 'rejected' share no beginning, in which TRL would find the prompt"
    if ignored:
        told = f"TRL ignores {ignored!r}: it looks for the prompt in what 'chosen' and 'rejected' share, and they share nothing"
    # Strings train without an error on an empty prompt; messages crash in the chat template.
    return [Problem("no_prompt", told, none, silent=strings, columns=(*PAIR, *filter(None, [ignored])))]


def _no_prompt(row: Row) -> bool:
    size = shared_length(row["chosen"], row["rejected"])
    if row["chosen"] == row["rejected"]:
        return False
    return size < (SHORTEST_PROMPT if isinstance(row["chosen"], str) else 1)


def shared_length(left: Any, right: Any) -> int:
    """How many characters or turns two answers have in common at the start."""
    size = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        size += 1
    return size


def _asked_nothing(rows: list[Row]) -> list[Problem]:
    """Answers alone: the reward model would never see what was asked."""
    ignored = question_column(rows[0])
    at = tuple(position for position, row in enumerate(rows) if not _holds_question(row, ignored))
    if 2 * len(at) < len(rows):
        return []
    told = f"TRL ignores {ignored!r}" if ignored else "'chosen' and 'rejected' hold no user turn"
    columns = (ignored,) if ignored else PAIR
    return [Problem("no_prompt", f"{told}: the reward model would not see what was asked", at, silent=True, columns=columns)]


def _holds_question(row: Row, ignored: str | None) -> bool:
    """Messages show it by a user turn; strings only against a column that holds the question."""
    if isinstance(row["chosen"], list):
        return any(turn.get("role") == "user" for turn in row["chosen"])
    return ignored is None or str(row[ignored]) in row["chosen"]


def question_column(row: Row) -> str | None:
    """A column that holds what was asked under a name that TRL does not look at."""
    return next((name for name in ROLES["prompt"][0] if name != "prompt" and isinstance(row.get(name), str)), None)


WANTED = ("prompt", "completion")


def kto_problems(rows: list[Row]) -> list[Problem]:
    """What keeps `KTOTrainer` from training on `rows` as meant; empty when nothing does."""
    if {"chosen", "rejected"} <= set(rows[0]):
        # Taking pairs apart, TRL copies every other column over the ones it made
        row = rows[0]
        clash = [name for name in ("completion", "label") if name in row]
        told = f"TRL takes pairs apart into 'completion' and 'label', and the existing {' and '.join(map(repr, clash))} overwrites them"
        return ([Problem("stray", told, silent=not isinstance(row.get("label"), str))] if clash else []) or dpo_problems(
            rows, "KTO"
        )
    found = missing("KTO", rows[0], (*WANTED, "label"))
    if found:
        return found
    found = mixed(rows[0], WANTED) or answer_problems(rows, WANTED) + label_problems(rows) + tools_problems(rows)
    return found or unplaced_images(rows, WANTED) or system_ignored(rows, "prompt")


def label_problems(rows: list[Row]) -> list[Problem]:
    """Labels must be true or false (0 and 1 will do); any other number counts as desirable, text crashes."""
    labels = [row["label"] for row in rows]
    nulls = tuple(position for position, label in enumerate(labels) if label is None)
    wrong = tuple(
        position
        for position, label in enumerate(labels)
        if label is not None and not (isinstance(label, (bool, int, float)) and label in (0, 1))
    )
    found = [Problem("null", "'label' is null", nulls, columns=("label",))] if nulls else []
    if wrong:
        texts = any(isinstance(labels[position], str) for position in wrong)
        told = (
            "'label' is text, not true or false"
            if texts
            else "'label' holds other numbers than 0 and 1: TRL takes every one but 0 for desirable"
        )
        found.append(Problem("label", told, wrong, silent=not texts, columns=("label",)))
    return found


#: Names that TRL itself passes to a reward function: a column of that name makes the call fail.
TAKEN = ("prompts", "completions")
#: Columns that TRL does not hand on.
KEPT_BACK = ("prompt", "completion", "completion_ids")


def grpo_problems(rows: list[Row]) -> list[Problem]:
    """What keeps `GRPOTrainer` from training on `rows` as meant; empty when nothing does."""
    found = missing("GRPO", rows[0], ("prompt",))
    if found:
        return found
    chat = is_chat(rows[0]["prompt"])
    row = rows[0]
    clash = [name for name in TAKEN if name in row]
    told = f"a column named {' and '.join(map(repr, clash))} collides with TRL's own argument of the reward functions"
    found = column_problems(rows, "prompt", chat) + ([Problem("taken", told)] if clash else []) + _grpo_pictures(rows[0], chat)
    return found or _beside_pictures(rows[0]) or (_last_turn(rows) if chat else [])


def reward_columns(columns: list[str]) -> list[str]:
    """The columns a reward function receives."""
    return [name for name in columns if name not in KEPT_BACK and name not in TAKEN]


def _grpo_pictures(row: Row, chat: bool) -> list[Problem]:
    pictures = next((name for name in PICTURES if row.get(name)), None)
    if chat or not pictures:
        return []
    return [Problem("images", f"'{pictures}' needs prompts that are messages; these are strings")]


def _beside_pictures(row: Row) -> list[Problem]:
    """With images TRL asks the whole row whether it is a conversation, not the prompt alone."""
    plain = conversational(row)[1]
    if not plain or not any(row.get(name) for name in PICTURES):
        return []
    told = f"{', '.join(map(repr, plain))} as text beside messages and images: by PYTHONHASHSEED, TRL stops at the row"
    return [Problem("luck", told)]


def _last_turn(rows: list[Row]) -> list[Problem]:
    """TRL opens the assistant's turn after the last one, whosever that is; only a user's or a tool's calls for an answer."""
    told = {
        "system_last": "'prompt' ends with a system turn: the model would answer nobody's question",
        "answered": "'prompt' ends with the assistant's turn: the answer is there already, and the model would speak after it",
    }
    at: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        code = _LAST.get(row["prompt"][-1]["role"])
        if code:
            at.setdefault(code, []).append(position)
    return [Problem(code, told[code], tuple(places), silent=True, columns=("prompt",)) for code, places in at.items()]


_LAST = {"system": "system_last", "developer": "system_last", "assistant": "answered"}


READERS: dict[str, Callable[[list[Row]], list[Problem]]] = {
    "sft": sft_problems,
    "dpo": dpo_problems,
    "grpo": grpo_problems,
    "kto": kto_problems,
    "reward": reward_problems,
}
