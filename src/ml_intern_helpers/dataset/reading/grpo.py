"""How `GRPOTrainer` reads rows: `prompt`; every other column goes to the reward functions."""

from __future__ import annotations

from ml_intern_helpers.dataset.reading.common import Problem, Row, column_problems, is_chat, missing

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
    return found or (_last_turn(rows) if chat else [])


def reward_columns(columns: list[str]) -> list[str]:
    """The columns a reward function receives."""
    return [name for name in columns if name not in KEPT_BACK and name not in TAKEN]


def _taken(row: Row) -> list[Problem]:
    clash = [name for name in TAKEN if name in row]
    told = f"a column named {' and '.join(map(repr, clash))} collides with TRL's own argument of the reward functions"
    return [Problem("taken", told)] if clash else []


def _pictures(row: Row, chat: bool) -> list[Problem]:
    pictures = next((name for name in ("images", "image") if row.get(name)), None)
    if chat or not pictures:
        return []
    return [Problem("images", f"'{pictures}' needs prompts that are messages; these are strings")]


def _last_turn(rows: list[Row]) -> list[Problem]:
    """The model answers the last turn: it must be the user's (or a tool's)."""
    last = [row["prompt"][-1]["role"] for row in rows]
    system = tuple(position for position, role in enumerate(last) if role in ("system", "developer"))
    answered = tuple(position for position, role in enumerate(last) if role == "assistant")
    found = [Problem("system_last", "'prompt' ends with a system turn, which TRL refuses", system)] if system else []
    if answered:
        told = "'prompt' ends with the assistant's turn: the model would continue that answer, not give its own"
        found.append(Problem("answered", told, answered, silent=True))
    return found
