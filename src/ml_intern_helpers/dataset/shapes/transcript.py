"""Whole conversations in one string: HH-RLHF's "\\n\\nHuman: …\\n\\nAssistant: …"."""

from __future__ import annotations

import re

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import quoted, row, turn
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, listed, most

#: Speakers as they are written, the user's first.
SPEAKERS = (("Human", "Assistant"), ("User", "Assistant"), ("Human", "AI"), ("User", "Bot"))
PARTS = ("chosen", "rejected", "text", "prompt")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """Strings in which both speakers take turns, each on a line of its own."""
    for speakers in SPEAKERS:
        found = {
            part: parts.by_role[part] for part in PARTS if parts.kind(part) == "string" and _both(parts, rows, part, speakers)
        }
        fields = _fields(parts, found)
        if fields:
            return Shape(
                "transcript",
                found,
                f"{listed(found.values())} hold{'s' if len(found) == 1 else ''} whole conversations as text "
                f"('{speakers[0]}:', '{speakers[1]}:'): TRL trains on that as it stands, without a chat template",
                fields,
                ("dpo", "reward", "kto") if "chosen" in found else ("sft",),
                ("import re",),
                _definitions(speakers),
                _keep(rows, list(found.values()), speakers),
                replaces=frozenset({"text", "preference-implicit-prompt"}),
            )
    return None


def _both(parts: ColumnRoles, rows: Rows, part: str, speakers: tuple[str, str]) -> bool:
    held = cells(rows, parts.by_role[part])
    signs = [re.compile(rf"(?:^|\n){who}:") for who in speakers]
    return bool(held) and most(isinstance(text, str) and all(sign.search(text) for sign in signs) for text in held)


def _fields(parts: ColumnRoles, found: dict[str, str]) -> dict[str, str]:
    if "chosen" in found and "rejected" in found:
        pair = {part: _split(found[part]) for part in ("chosen", "rejected")}
        return {**pair, "messages": pair["chosen"], "question": f"{pair['chosen']}[:-1]"}
    if "text" in found:
        return {"messages": _split(found["text"]), "question": f"{_split(found['text'])}[:-1]"}
    if "prompt" not in found:
        return {}
    # The prompt ends in "Assistant:", with the answer in a column of its own.
    asked = f"{_split(found['prompt'])}"
    question = f'[turn for turn in {asked} if turn["content"]]'
    answers = {part: parts.by_role[part] for part in ("completion", "chosen", "rejected") if parts.kind(part) == "string"}
    return {"prompt": question, **{part: f"[{turn('assistant', f'{row(name)}.strip()')}]" for part, name in answers.items()}}


def _keep(rows: Rows, columns: list[str], speakers: tuple[str, str]) -> str | None:
    """Rows in which the assistant says nothing that could be split off have to go."""
    sign = f"\n{speakers[1]}:"
    if all(isinstance(item.get(name), str) and sign in item[name] for item in rows for name in columns):
        return None
    return " and ".join(f"{row(name)} and {quoted(sign)} in {row(name)}" for name in columns)


def _split(column: str) -> str:
    return f"to_messages({row(column)})"


def _definitions(speakers: tuple[str, str]) -> tuple[str, ...]:
    user, assistant = speakers
    return (
        f'ROLES = {{"{user}": "user", "{assistant}": "assistant"}}',
        "def to_messages(text):\n"
        f'    said = re.split(r"(?:^|\\n+)({user}|{assistant}): ?", text)[1:]\n'
        '    return [{"role": ROLES[who], "content": words.strip()} for who, words in zip(said[::2], said[1::2])]',
    )
