"""Pieces of mapping code. Column names are strangers' text: they enter the code through `repr` and in no other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: What datasets call the speakers -> what chat templates call them.
SPEAKER_NAMES = {
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


@dataclass
class Script:
    """Mapping code in the making: helper definitions first, then statements.

    Attributes:
        definitions: imports, tables, functions.
        statements: what is done to `dataset`.
        mixed: the mapped rows hold structs of several shapes, which `datasets` would fill up with nulls by default.
    """

    definitions: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    mixed: bool = False

    def text(self) -> str:
        return "\n".join([*self.definitions, *self.statements])

    def map_rows(self, fields: Mapping[str, str], keep: Iterable[str] | None) -> Script:
        """Add the statement that makes `fields`; the script itself."""
        self.statements.append(map_rows(fields, keep, mixed=self.mixed))
        return self

    def need(self, *definitions: str) -> None:
        """Add what is not there yet; imports go first."""
        for code in definitions:
            if code not in self.definitions:
                self.definitions.insert(0 if code.startswith("import ") else len(self.definitions), code)


def row(column: str) -> str:
    return f"row[{quoted(column)}]"


def cell(roles: ColumnRoles, column: str) -> str:
    """An expression for the cell of `column`, its turns where they are written down as JSON."""
    return f"json.loads({row(column)})" if column in roles.json else row(column)


def prompt_messages(roles: ColumnRoles) -> str:
    """An expression for the messages of a prompt in strings: system turn, question, and the input of alpaca rows under it."""
    words = row(roles.by_role["prompt"])
    if roles.has("context"):
        words = f'"\\n\\n".join(filter(None, [{words}, {row(roles.by_role["context"])}]))'
    return f"[{system(roles)}, {turn('user', words)}]" if roles.has("system") else f"[{turn('user', words)}]"


def system(roles: ColumnRoles) -> str:
    """The system turn, left out of rows that have none: an empty one would stand in for the template's own."""
    words = row(roles.by_role["system"])
    return f"*([{turn('system', words)}] if {words} else [])"


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


def map_rows(fields: Mapping[str, str], keep: Iterable[str] | None, *, mixed: bool = False) -> str:
    """`dataset.map(…)` that makes `fields`; `keep` are the old columns to keep, None for all of them."""
    keep = None if keep is None else list(keep)
    gone = f"[name for name in dataset.column_names if name not in {names(keep)}]" if keep else "dataset.column_names"
    rest = "" if keep is None else f", remove_columns={gone}"
    # Without these, tool calls get each other's arguments as nulls.
    rest += ', on_mixed_types="use_json", try_original_type=False' if mixed else ""
    function = f"lambda row: {record(fields)}"
    short = f"dataset = dataset.map({function}{rest})"
    if len(short) <= LINE:
        return short
    if len(function) <= LINE:
        return f"dataset = dataset.map(\n    {function},\n    {rest.removeprefix(', ')},\n)" if rest else short
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
