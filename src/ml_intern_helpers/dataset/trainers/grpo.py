"""How `GRPOTrainer` reads rows: `prompt`; every other column goes to the reward functions."""

from __future__ import annotations

from ml_intern_helpers.dataset.trainers.rows import PICTURES, Problem, Row, column_problems, conversational, missing
from ml_intern_helpers.dataset.trainers.turns import is_chat

#: Names that TRL itself passes to a reward function: a column of that name makes the call fail.
TAKEN = ("prompts", "completions")
#: Columns that TRL does not hand on.
KEPT_BACK = ("prompt", "completion", "completion_ids")


def problems(rows: list[Row]) -> list[Problem]:
    """What keeps `GRPOTrainer` from training on `rows` as meant; empty when nothing does."""
    found = missing("GRPO", rows[0], ("prompt",))
    if found:
        return found
    chat = is_chat(rows[0]["prompt"])
    found = column_problems(rows, "prompt", chat) + _taken(rows[0]) + _pictures(rows[0], chat)
    return found or _beside_pictures(rows[0]) or (_last_turn(rows) if chat else [])


def reward_columns(columns: list[str]) -> list[str]:
    """The columns a reward function receives."""
    return [name for name in columns if name not in KEPT_BACK and name not in TAKEN]


def _taken(row: Row) -> list[Problem]:
    clash = [name for name in TAKEN if name in row]
    told = f"a column named {' and '.join(map(repr, clash))} collides with TRL's own argument of the reward functions"
    return [Problem("taken", told)] if clash else []


def _pictures(row: Row, chat: bool) -> list[Problem]:
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
