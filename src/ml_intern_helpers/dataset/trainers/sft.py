"""How `SFTTrainer` reads rows."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.dataset.column_roles import ROLES, leaves_out
from ml_intern_helpers.dataset.labels import desirable, is_desirable
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes import classes, single_turns
from ml_intern_helpers.dataset.trainers.beside import system_ignored, unplaced_images
from ml_intern_helpers.dataset.trainers.rows import (
    Problem,
    Row,
    answer_problems,
    column_problems,
    conversational,
    missing,
    mixed,
    stray_text,
    tools_problems,
)


def problems(rows: list[Row]) -> list[Problem]:
    """What keeps `SFTTrainer` from training on `rows` as meant; empty when nothing does."""
    if "input_ids" in rows[0]:
        return _tokenised(rows)
    if _from_value(rows[0]):
        found = problems([_chatml(row) for row in rows])
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
    if single_turns.columns(row) is None:
        return []
    return [
        Problem("single_turns", "each row is one turn of a conversation: TRL would learn it alone, whoever said it", silent=True)
    ]


def _target(rows: list[Row]) -> list[Problem]:
    """An answer or a class beside `text` that the text does not hold (text and summary): TRL never looks at it."""
    names = [name for name in ROLES["completion"][0] if name in rows[0]]
    name = next((name for name in names if leaves_out(rows, "text", name)), None) or classes.ignored(rows)
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


def _from_value(row: Row) -> bool:
    """TRL's own test for ShareGPT rows."""
    turns = row.get("conversations")
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and {"from", "value"} <= set(turns[0])


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
