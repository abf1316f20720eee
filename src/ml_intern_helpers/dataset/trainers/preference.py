"""How `DPOTrainer` and `RewardTrainer` read pairs; KTO uses the same for the pairs it takes apart."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ROLES
from ml_intern_helpers.dataset.trainers.beside import system_ignored, unplaced_images
from ml_intern_helpers.dataset.trainers.rows import (
    PICTURES,
    Problem,
    Row,
    answer_problems,
    missing,
    mixed,
    tools_problems,
)
from ml_intern_helpers.dataset.trainers.turns import is_chat

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
    return [
        Problem(
            "no_prompt",
            f"{told}: the reward model would not see what was asked",
            at,
            silent=True,
            columns=(ignored,) if ignored else PAIR,
        )
    ]


def _holds_question(row: Row, ignored: str | None) -> bool:
    """Messages show it by a user turn; strings only against a column that holds the question."""
    if isinstance(row["chosen"], list):
        return any(turn.get("role") == "user" for turn in row["chosen"])
    return ignored is None or str(row[ignored]) in row["chosen"]


def question_column(row: Row) -> str | None:
    """A column that holds what was asked under a name that TRL does not look at."""
    return next((name for name in ROLES["prompt"][0] if name != "prompt" and isinstance(row.get(name), str)), None)
