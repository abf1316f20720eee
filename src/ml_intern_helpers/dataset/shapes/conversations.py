"""Finds shapes of conversations: as one string, in Google's form, as one turn per row, or inside structs and lists.

Plain ShareGPT turns (`from` and `value`) are no shape: `dataset.mapping.code` rewrites their keys and speakers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.columns import kind, shown_name
from ml_intern_helpers.dataset.mapping.code import quoted, row, turn
from ml_intern_helpers.dataset.shapes.api_formats import PAIR
from ml_intern_helpers.dataset.shapes.shape import METHODS, Rows, Shape, cells, listed, most

#: Pairs of speaker names in transcripts: the user's, then the assistant's.
SPEAKERS = (("Human", "Assistant"), ("User", "Assistant"), ("Human", "AI"), ("User", "Bot"))
PARTS = ("chosen", "rejected", "text", "prompt")


def transcript(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Strings with the turns of both speakers, each starting on a new line (HH-RLHF's `Human: …`, `Assistant: …`)."""
    for speakers in SPEAKERS:
        columns_by_role = {
            part: roles.by_role[part]
            for part in PARTS
            if roles.kind(part) == "string" and _has_both_speakers(roles, rows, part, speakers)
        }
        fields = _fields(roles, columns_by_role)
        if fields:
            user, assistant = speakers
            return Shape(
                "transcript",
                columns_by_role,
                f"{listed(columns_by_role.values())} hold{'s' if len(columns_by_role) == 1 else ''} whole conversations as text "
                f"('{speakers[0]}:', '{speakers[1]}:'): TRL trains on that as it stands, without a chat template",
                fields,
                ("dpo", "reward", "kto") if "chosen" in columns_by_role else ("sft",),
                ("import re",),
                (
                    f'ROLES = {{"{user}": "user", "{assistant}": "assistant"}}',
                    "def to_messages(text):\n"
                    f'    said = re.split(r"(?:^|\\n+)({user}|{assistant}): ?", text)[1:]\n'
                    '    return [{"role": ROLES[who], "content": words.strip()} for who, words in zip(said[::2], said[1::2])]',
                ),
                _keep(rows, list(columns_by_role.values()), speakers),
                replaces=frozenset({"text", "preference-implicit-prompt"}),
            )
    return None


def _has_both_speakers(roles: ColumnRoles, rows: Rows, part: str, speakers: tuple[str, str]) -> bool:
    texts = cells(rows, roles.by_role[part])
    prefixes = [re.compile(rf"(?:^|\n){who}:") for who in speakers]
    return bool(texts) and most(isinstance(text, str) and all(prefix.search(text) for prefix in prefixes) for text in texts)


def _fields(roles: ColumnRoles, columns_by_role: dict[str, str]) -> dict[str, str]:
    if "chosen" in columns_by_role and "rejected" in columns_by_role:
        pair = {part: _split(columns_by_role[part]) for part in ("chosen", "rejected")}
        return {**pair, "messages": pair["chosen"], "question": f"{pair['chosen']}[:-1]"}
    if "text" in columns_by_role:
        messages = _split(columns_by_role["text"])
        return {"messages": messages, "question": f"{messages}[:-1]"}
    if "prompt" not in columns_by_role:
        return {}
    # The prompt ends with "Assistant:", and the answer is in a separate column.
    prompt = _split(columns_by_role["prompt"])
    question = f'[turn for turn in {prompt} if turn["content"]]'
    answers = {part: roles.by_role[part] for part in ("completion", "chosen", "rejected") if roles.kind(part) == "string"}
    return {"prompt": question, **{part: f"[{turn('assistant', f'{row(name)}.strip()')}]" for part, name in answers.items()}}


def _keep(rows: Rows, columns: list[str], speakers: tuple[str, str]) -> str | None:
    """The condition that drops rows without a turn of the assistant's; None when every sampled row has one."""
    prefix = f"\n{speakers[1]}:"
    if all(isinstance(item.get(name), str) and prefix in item[name] for item in rows for name in columns):
        return None
    return " and ".join(f"{row(name)} and {quoted(prefix)} in {row(name)}" for name in columns)


def _split(column: str) -> str:
    return f"to_messages({row(column)})"


TURNS = ("contents", "messages", "conversations", "conversation", "history")
SYSTEM = ("system_instruction",)
#: Google's names of the speakers -> those of chat templates.
ROLES = {"user": "user", "model": "assistant"}


def gemini_contents(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Google's chats (Gemini, Vertex): turns of `role` and `parts`. Chats with images or function calls are not mapped."""
    column = first_named(roles.kinds, TURNS)
    chats = cells(rows, column) if column else []
    if column is None or not chats or not all(map(_is_chat, chats)):
        return None
    system = first_named(roles.kinds, SYSTEM)
    system = system if system and all(_only_texts(cell) for cell in cells(rows, system)) else None
    messages = f"to_messages({row(column)})"
    if system:
        opening = turn("system", f"text({row(system)})")
        messages = f"[*([{opening}] if {row(system)} else []), *{messages}]"
    answered = all(cell[-1]["role"] == "model" for cell in chats)
    return Shape(
        "gemini",
        {"messages": column, **({"system": system} if system else {})},
        f"Google's format: {shown_name(column)} holds turns of 'parts', and calls the assistant 'model'",
        {"messages": messages, **({"question": f"{messages}[:-1]"} if answered else {})},
        ("sft",),
        definitions=(
            'ROLES = {"user": "user", "model": "assistant"}',
            'def text(turn):\n    return "".join(part["text"] for part in turn["parts"])',
            'def to_messages(turns):\n    return [{"role": ROLES[turn["role"]], "content": text(turn)} for turn in turns]',
        ),
    )


def _is_chat(cell: Any) -> bool:
    return isinstance(cell, list) and all(_only_texts(turn) and turn.get("role") in ROLES for turn in cell)


def _only_texts(turn: Any) -> bool:
    """Whether all parts of a turn, or of a system instruction, are texts."""
    parts = turn.get("parts") if isinstance(turn, dict) else None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        return False
    others = any(value for part in parts for name, value in part.items() if name != "text")
    return not others and all(isinstance(part.get("text"), str) for part in parts)


PARENTS = ("parent_id", "parent_message_id", "parent", "reply_to", "in_reply_to_id")
THREADS = ("conversation_id", "thread_id", "dialogue_id", "dialog_id", "session_id", "conv_id")
SPEAKER_COLUMNS = ("role", "speaker", "from", "author_role")
WORDS = ("text", "content", "value", "message", "utterance", "body")


def turn_per_row(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """One turn per row, with a column that links rows (OpenAssistant). A mapping of single rows cannot join them."""
    found = None if roles.has("messages") else columns(roles.kinds)
    if found is None or any(roles.kinds[name] != "string" for name in found[1:]):
        return None
    tie, speaker, words = found
    tree = first_named([tie], PARENTS) is not None
    what = f"one turn of a conversation{' tree' if tree else ''} ({shown_name(tie)} ties it to the others)"
    how = "from each last answer up to the root" if tree else "in order"
    return Shape(
        "conversation-tree" if tree else "turn-per-row",
        {"tie": tie, "speaker": speaker, "words": words},
        f"no mapping of single rows can join the turns: put those of a thread together {how} as 'messages' yourself, "
        "and inspect the result",
        replaces=frozenset({"text"}),
        refuses=METHODS,
        because=f"each row is {what}",
    )


def columns(names: Iterable[str]) -> tuple[str, str, str] | None:
    """The columns for the tie, the speaker and the words, or None when the rows are not single turns."""
    known = list(names)
    tie, speaker = first_named(known, (*PARENTS, *THREADS)), first_named(known, SPEAKER_COLUMNS)
    words = first_named(known, WORDS)
    return (tie, speaker, words) if tie and speaker and words else None


#: Roles that make a search inside structs unnecessary.
_OBVIOUS_ROLES = ("messages", "dialogue", "prompt", "completion", "chosen", "text")
_DEEPEST = 3


def nested_messages(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A conversation inside a struct (`{"meta": …, "turns": [...]}`), or several conversations in a list."""
    if any(map(roles.has, _OBVIOUS_ROLES)) or set(PAIR.values()) & set(roles.kinds):
        return None
    places = [(name, path) for name in roles.kinds if roles.kinds[name] == "dict" for path in _paths(cells(rows, name))]
    if len(places) != 1:
        return None if places else _conversations_in_lists(roles, rows)
    column, path = places[0]
    messages = row(column) + "".join(f"[{quoted(key)}]" for key in path)
    ends = [_at(cell, path)[-1]["role"] for cell in cells(rows, column) if kind(_at(cell, path)) == "messages"]
    answered = all(role == "assistant" for role in ends)
    return Shape(
        "nested-messages",
        {"messages": column},
        f"the conversation is inside {shown_name(column)}, in {messages}",
        {"messages": messages, **({"question": f"{messages}[:-1]"} if answered else {})},
        ("sft",),
    )


def _conversations_in_lists(roles: ColumnRoles, rows: Rows) -> Shape | None:
    lists = [
        name for name in roles.kinds if roles.kinds[name] == "list" and most(map(_is_list_of_conversations, cells(rows, name)))
    ]
    if not lists:
        return None
    column = lists[0]
    flat = f'{{"messages": [turns for chats in rows[{quoted(column)}] for turns in chats]}}'
    return Shape(
        "conversations-in-lists",
        {"messages": column},
        f"make a row of each conversation: dataset.map(lambda rows: {flat}, batched=True, remove_columns=dataset.column_names), "
        "and inspect the result",
        refuses=METHODS,
        because=f"each row holds several conversations, in {shown_name(column)}",
        open=True,
    )


def _paths(structs: list[Any]) -> Iterator[tuple[str, ...]]:
    """Paths of keys that lead to a conversation in the first struct and in most of the others."""
    for path in _message_paths(structs[0]) if structs else ():
        if most(_is_conversation(_at(cell, path)) for cell in structs):
            yield path


def _message_paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path and kind(value) == "messages":
        yield path
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        for key, item in value.items():
            if isinstance(key, str):
                yield from _message_paths(item, (*path, key))


def _at(cell: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        cell = cell.get(key) if isinstance(cell, dict) else None
    return cell


def _is_conversation(value: Any) -> bool:
    """Whether `value` is a list of messages with a turn of the assistant's."""
    return kind(value) == "messages" and any(turn["role"] == "assistant" for turn in value)


def _is_list_of_conversations(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(map(_is_conversation, cell))
