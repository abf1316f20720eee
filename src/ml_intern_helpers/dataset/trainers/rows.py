"""Finds the problems that all of TRL's trainers share: mixed conversations and texts, unusable turns, ignored columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ROLES, first_named
from ml_intern_helpers.dataset.columns import turn_keys, unpacked

Row = dict[str, Any]
#: Columns of which TRL examines an arbitrary one to decide whether a row is a conversation.
SUPPORTED = ("prompt", "chosen", "rejected", "completion", "messages")


@dataclass(frozen=True)
class Problem:
    """One reason why a trainer cannot use the rows as they are.

    Attributes:
        code: the kind of problem, which selects the remedy and the finding.
        message: one line for people.
        at: positions of the affected rows in the sample; empty when the problem is in the whole dataset.
        silent: whether TRL trains without an error, but not as intended.
        columns: the affected columns, for a problem of single rows.
    """

    code: str
    message: str
    at: tuple[int, ...] = ()
    silent: bool = False
    columns: tuple[str, ...] = ()

    @property
    def in_rows(self) -> bool:
        """Whether the problem is in single rows, so that dropping them may help."""
        return bool(self.at)


def conversational(row: Row) -> tuple[bool, list[str]]:
    """Whether TRL takes `row` for a conversation, and the columns that contradict this.

    TRL examines only one of the supported columns, the first that a set yields: if they differ, the result depends on
    PYTHONHASHSEED.
    """
    chat_by_column = {name: is_chat(row[name]) for name in SUPPORTED if name in row}
    if not chat_by_column:
        return False, []
    chat = [name for name, is_messages in chat_by_column.items() if is_messages]
    plain = [name for name, is_messages in chat_by_column.items() if not is_messages]
    return bool(chat), plain if chat else []


_MESSAGES = {
    "null": "'{column}' is null",
    "empty": "'{column}' is an empty list",
    "kind": "'{column}' is not {wanted}",
    "keys": "'{column}' has turns without role and content",
    "role": "'{column}' has roles that chat templates do not know ({roles}): templates drop or refuse such turns",
    "content": "'{column}' has a turn whose content is null",
    "json": "'{column}' holds messages written down as JSON text: TRL would train on the JSON itself",
    "blocks": "'{column}' has contents in blocks ({blocks}) and no images: a text model's chat template takes strings",
    "arguments": "'{column}' has tool calls whose arguments are JSON text: a template that writes them as JSON quotes them twice",
    "function_call": "'{column}' calls functions in OpenAI's old form (function_call): chat templates leave the calls out",
}
#: Codes of problems with which TRL trains without an error.
_SILENT = ("role", "json", "arguments", "function_call")
PICTURES = ("images", "image")


def picture_column(row: Row) -> str | None:
    """The first column with images in `row`, or None."""
    return next((name for name in PICTURES if row.get(name)), None)


def column_problems(rows: list[Row], column: str, chat: bool, named: str | None = None) -> list[Problem]:
    """One problem of each kind in `column`, with the positions of the rows that have it.

    Args:
        rows: the sample.
        column: the column as TRL calls it.
        chat: whether the column must hold messages.
        named: the column's name in the dataset, if TRL has renamed it.
    """
    named = named or column
    at: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        fault = cell_problem(row.get(column), chat, picture_column(row) is not None)
        if fault:
            at.setdefault(fault, []).append(position)
    wanted = "a list of messages" if chat else "a string"
    roles = ", ".join(sorted(strange_roles(row.get(column) for row in rows)))
    blocks = _block_types(row.get(column) for row in rows) if "blocks" in at else ""
    return [
        Problem(
            fault,
            _MESSAGES[fault].format(column=named, wanted=wanted, roles=roles, blocks=blocks),
            tuple(places),
            fault in _SILENT,
            (named,),
        )
        for fault, places in at.items()
    ]


def _block_types(cells: Iterable[object]) -> str:
    """The types of blocks that contents are made of, at most six."""
    turns = [turn for cell in cells if isinstance(cell, list) for turn in cell if isinstance(turn, dict)]
    contents = [turn["content"] for turn in turns if isinstance(turn.get("content"), list)]
    types = dict.fromkeys(str(block["type"]) for content in contents if in_blocks(content) for block in content)
    return ", ".join(list(types)[:6])


def strange_roles(cells: Iterable[object]) -> set[str]:
    """Roles in `cells` that chat templates do not know, at most eight."""
    roles: set[str] = set()
    for cell in cells:
        for turn in cell if isinstance(cell, list) else []:
            if isinstance(turn, dict) and isinstance(turn.get("role"), str) and turn["role"] not in SPEAKERS and len(roles) < 8:
                roles.add(turn["role"])
    return roles


def missing(method: str, columns: Iterable[str], wanted: Iterable[str]) -> list[Problem]:
    """A problem when one of `wanted` is not a column."""
    absent = [name for name in wanted if name not in columns]
    if not absent:
        return []
    return [Problem("missing", f"{method} needs {'a column' if len(absent) == 1 else 'columns'} named {_names(absent)}")]


def mixed(row: Row, wanted: Iterable[str], messages: str = "messages") -> list[Problem]:
    """A problem when supported columns of the first row are messages and texts; `messages` is the dataset's name for that one."""
    chat, plain = conversational(row)
    if not (chat and plain):
        return []
    lists = [name for name in SUPPORTED if name in row and name not in plain]
    named = [messages if name == "messages" else name for name in lists]
    what = "text" if isinstance(row[plain[0]], str) else "no list of messages"
    message = f"{_names(plain)} {'is' if len(plain) == 1 else 'are'} {what} beside {_names(named)} as messages"
    code = "mixed" if {*plain, *lists} <= set(wanted) else "stray"
    return [Problem(code, f"{message}: TRL takes the row for one or the other, by PYTHONHASHSEED, and crashes")]


def stray_text(row: Row, messages: str) -> list[Problem]:
    """A problem when a supported column is not a list of messages beside `messages`: whether SFT crashes depends on chance."""
    plain = conversational(row)[1]
    if "messages" not in row or not plain:
        return []
    message = f"{_names(plain)} {'is' if len(plain) == 1 else 'are'} no list of messages beside '{messages}'"
    return [Problem("luck", f"{message}: by PYTHONHASHSEED, TRL takes the row for plain text and stops at KeyError 'text'")]


def _names(columns: list[str]) -> str:
    """`'a', 'b' and 'c'`."""
    quoted = [f"'{name}'" for name in columns]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def tools_problems(rows: list[Row]) -> list[Problem]:
    """A problem when `tools` is a string that is not a JSON list: TRL takes a list, or parses a string."""
    at = []
    for position, row in enumerate(rows):
        if isinstance(row.get("tools"), str):
            try:
                usable = isinstance(json.loads(row["tools"]), list)
            except ValueError:
                usable = False
            at += [] if usable else [position]
    return [Problem("tools", "'tools' is text that is not JSON", tuple(at), columns=("tools",))] if at else []


def answer_problems(rows: list[Row], columns: Iterable[str]) -> list[Problem]:
    """Problems in the cells of `columns`, which must all be messages or all be strings."""
    columns = list(columns)
    chat = conversational({name: rows[0].get(name) for name in columns})[0]
    return [problem for column in columns for problem in column_problems(rows, column, chat)]


#: Roles that chat templates know. Qwen's template silently drops turns of other roles, Gemma's and Mistral's raise.
SPEAKERS = frozenset({"system", "developer", "user", "assistant", "tool", "function", "ipython"})


def is_chat(value: object) -> bool:
    """TRL's own test for messages: a list whose first item is a dict with a role."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "role" in value[0]


def cell_problem(value: object, chat: bool, pictures: bool = False) -> str | None:
    """The code of what is wrong with a cell that must hold messages or a string, or None.

    Args:
        value: the cell.
        chat: whether it must hold messages.
        pictures: whether the row has images, so that a vision-language model reads it.
    """
    if value is None:
        return "null"
    if not chat:
        return "kind" if not isinstance(value, str) else ("json" if unpacked(value) is not value else None)
    if not isinstance(value, list):
        return "kind"
    if not value:
        return "empty"
    return next((fault for turn in value if (fault := turn_problem(turn, pictures))), None)


def turn_problem(turn: object, pictures: bool = False) -> str | None:
    """The code of what is wrong with a turn, or None; `pictures` as in `cell_problem`."""
    if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
        return "keys" if isinstance(turn, dict) and turn_keys([turn]) else "kind"
    if turn["role"] not in SPEAKERS:
        return "role"
    if any(isinstance(arguments, str) for arguments in call_arguments(turn)):
        return "arguments"
    if turn.get("function_call") and isinstance(turn.get("content"), str):
        return "function_call"
    content = turn.get("content")
    if content is None:
        return None if turn.get("tool_calls") else "content"
    if isinstance(content, str):
        return None
    if not in_blocks(content):
        return "kind"
    # Only a vision-language model reads blocks of images or videos.
    return None if pictures or any(block["type"] in ("image", "video") for block in content) else "blocks"


def call_arguments(turn: Row) -> list[Any]:
    """The arguments of each tool call of a turn."""
    calls = turn.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [function["arguments"] for function in functions if isinstance(function, dict) and "arguments" in function]


def in_blocks(content: object) -> bool:
    """Whether content is in blocks, as for vision models: `[{"type": "text", "text": …}, {"type": "image"}]`."""
    return isinstance(content, list) and all(isinstance(block, dict) and "type" in block for block in content)


def system_ignored(rows: list[Row], column: str) -> list[Problem]:
    """A problem when conversations have no system turn, but there is a column of system prompts, which no trainer reads."""
    name = first_named(rows[0], ROLES["system"][0])
    if name is None:
        return []
    at = []
    for position, row in enumerate(rows):
        prompt, turns = row.get(name), row.get(column)
        first = turns[0] if isinstance(turns, list) and turns else None
        has_system = isinstance(first, dict) and first.get("role") in ("system", "developer")
        if isinstance(prompt, str) and prompt.strip() and not has_system:
            at.append(position)
    message = f"TRL ignores {clean(name, limit=60)!r}: system prompts are read from the messages alone"
    return [Problem("system_ignored", message, tuple(at), silent=True, columns=(name,))] if 2 * len(at) > len(rows) else []


def unplaced_images(rows: list[Row], columns: Iterable[str]) -> list[Problem]:
    """A problem when rows have images and plain strings, which do not show where the image belongs."""
    pictures = picture_column(rows[0])
    texts = [name for name in columns if isinstance(rows[0].get(name), str)]
    if pictures is None or not texts or any("<image" in str(row[texts[0]]) or "<|image" in str(row[texts[0]]) for row in rows):
        return []
    return [Problem("images", f"'{pictures}' needs {texts[0]!r} to be messages: a string holds no place for a picture")]
