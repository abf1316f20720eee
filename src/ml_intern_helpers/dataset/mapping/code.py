"""Pieces of mapping code. Column names are strangers' text: they enter the code through `repr` and in no other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ml_intern_helpers.dataset.kinds import TURN_KEYS
from ml_intern_helpers.dataset.meaning import Parts

#: What datasets call the speakers -> what chat templates call them.
ROLE_NAMES = {
    "human": "user",
    "prompter": "user",
    "customer": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "bing": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "function_response": "tool",
}


LINE = 110


@dataclass(frozen=True)
class Speech:
    """How the turns of one column are written down.

    Attributes:
        keys: the keys for speaker and words.
        roles: speakers seen, those that chat templates know included.
    """

    keys: tuple[str, str] = ("role", "content")
    roles: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """The turns are what TRL reads."""
        return self.keys == ("role", "content") and not self.renamed

    @property
    def renamed(self) -> dict[str, str]:
        """Speakers that need another name."""
        return {role: ROLE_NAMES[role.lower()] for role in self.roles if role.lower() in ROLE_NAMES}


@dataclass
class Script:
    """Mapping code in the making: helper definitions first, then statements."""

    definitions: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join([*self.definitions, *self.statements])


def listener(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> Speech:
    """How the turns in `columns` are written, from the sample. One table of roles serves them all."""
    columns = list(columns)
    turns = [turn for row in rows for column in columns for turn in _turns(row.get(column)) if isinstance(turn, dict)]
    for keys in TURN_KEYS:
        if turns and all(keys[0] in turn for turn in turns) and any(keys[1] in turn for turn in turns):
            roles = dict.fromkeys(str(turn[keys[0]]) for turn in turns)
            return Speech(keys, tuple(list(roles)[:20]))
    return Speech()


def _turns(cell: object) -> list[object]:
    return cell if isinstance(cell, list) else [cell]


def row(column: str) -> str:
    return f"row[{quoted(column)}]"


def quoted(name: object) -> str:
    """A string literal, with double quotes where that is possible."""
    text = repr(name)
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text


def names(columns: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(column) for column in columns) + "]"


def turn(role: str, words: str) -> str:
    return f'{{"role": "{role}", "content": {words}}}'


def record(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: {value}" for name, value in fields.items()) + "}"


def chat(script: Script, parts: Parts, rows: list[dict[str, object]], part: str, role: str) -> str:
    """An expression for the messages in the column of `part`; a string becomes one turn of `role`."""
    column, kind = parts.by_part[part], parts.kind(part)
    if kind == "string":
        return f"[{turn(role, row(column))}]"
    cell = f"[{row(column)}]" if kind == "turn" else row(column)
    speech = listener(rows, [name for name in parts.by_part.values() if parts.kinds[name] in (kind, "sharegpt", "turn")])
    return cell if speech.plain else f"{_converter(script, speech)}({cell})"


def _converter(script: Script, speech: Speech) -> str:
    """Define a function that rewrites turns as role and content; its name."""
    who, what = (quoted(key) for key in speech.keys)
    speaker = f"turn[{who}]"
    if speech.renamed:
        names_of_all = {role: speech.renamed.get(role, role) for role in speech.roles}
        table = ", ".join(f"{quoted(role)}: {quoted(name)}" for role, name in names_of_all.items())
        lines = [f"ROLES = {{{table}}}"]
        speaker = f"ROLES[{speaker}]"
    else:
        lines = []
    body = f'[{{"role": {speaker}, "content": turn[{what}]}} for turn in turns]'
    lines += ["def to_messages(turns):", f"    return {body}"]
    known = "\n".join(lines)
    if known not in script.definitions:
        script.definitions.append(known)
    return "to_messages"


def map_rows(fields: Mapping[str, str], keep: Iterable[str] | None) -> str:
    """`dataset.map(…)` that makes `fields`; `keep` are the old columns to keep, None for all of them."""
    keep = None if keep is None else list(keep)
    gone = f"[name for name in dataset.column_names if name not in {names(keep)}]" if keep else "dataset.column_names"
    rest = "" if keep is None else f", remove_columns={gone}"
    made = f"lambda row: {record(fields)}"
    short = f"dataset = dataset.map({made}{rest})"
    if len(short) <= LINE:
        return short
    if len(made) <= LINE:
        return f"dataset = dataset.map(\n    {made},\n    {rest.removeprefix(', ')},\n)" if rest else short
    body = "".join(f"        {quoted(name)}: {value},\n" for name, value in fields.items())
    return f"def to_row(row):\n    return {{\n{body}    }}\ndataset = dataset.map(to_row{rest})"


def select(columns: Iterable[str]) -> str:
    return f"dataset = dataset.select_columns({names(columns)})"


def rename(old_to_new: Mapping[str, str]) -> str:
    """Rename columns; empty when every name is right already."""
    changed = {old: new for old, new in old_to_new.items() if old != new}
    if not changed:
        return ""
    if len(changed) == 1:
        ((old, new),) = changed.items()
        return f"dataset = dataset.rename_column({quoted(old)}, {quoted(new)})"
    return f"dataset = dataset.rename_columns({record({old: quoted(new) for old, new in changed.items()})})"


def keep_rows(condition: str) -> str:
    return f"dataset = dataset.filter(lambda row: {condition})"
