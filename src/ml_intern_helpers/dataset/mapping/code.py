"""Writes the pieces of mapping code, among them the code that rewrites ShareGPT and other turns for chat templates.

Column names are untrusted text: they enter the code only through `repr`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import TURN_KEYS
from ml_intern_helpers.dataset.trainers.rows import SPEAKERS, call_arguments

#: Names of speakers in datasets -> their names in chat templates.
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

#: The longest line of generated code.
LINE = 110


@dataclass
class Script:
    """Mapping code that is being built.

    Attributes:
        definitions: imports, tables and functions, which come first.
        statements: the statements that change `dataset`.
        mixed: whether the mapped rows hold structs with different keys, which `datasets` fills up with nulls by default.
    """

    definitions: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    mixed: bool = False

    def text(self) -> str:
        return "\n".join([*self.definitions, *self.statements])

    def map_rows(self, fields: Mapping[str, str], keep: Iterable[str] | None) -> Script:
        """Add a `dataset.map` that makes `fields`, and return the script."""
        self.statements.append(map_rows(fields, keep, mixed=self.mixed))
        return self

    def need(self, *definitions: str) -> None:
        """Add those definitions that are missing; imports go first."""
        for code in definitions:
            if code not in self.definitions:
                self.definitions.insert(0 if code.startswith("import ") else len(self.definitions), code)


def row(column: str) -> str:
    return f"row[{quoted(column)}]"


def cell(roles: ColumnRoles, column: str) -> str:
    """An expression for the cell of `column`, parsed if it holds turns as JSON text."""
    return f"json.loads({row(column)})" if column in roles.json else row(column)


def prompt_messages(roles: ColumnRoles) -> str:
    """An expression for the messages of a string prompt: the system turn, then the question with the input of Alpaca rows."""
    words = row(roles.by_role["prompt"])
    if roles.has("context"):
        words = f'"\\n\\n".join(filter(None, [{words}, {row(roles.by_role["context"])}]))'
    return f"[{system(roles)}, {turn('user', words)}]" if roles.has("system") else f"[{turn('user', words)}]"


def system(roles: ColumnRoles) -> str:
    """Code for the system turn. Rows without one get none, because an empty turn would replace the template's default."""
    words = row(roles.by_role["system"])
    return f"*([{turn('system', words)}] if {words} else [])"


def quoted(name: object) -> str:
    """A Python literal, with double quotes where that is possible."""
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
    # Without these arguments, `datasets` gives every tool call the arguments of the others, as nulls.
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
    """The statement that renames columns; empty when every name is right already."""
    changed = {old: new for old, new in old_to_new.items() if old != new}
    if not changed:
        return ""
    if len(changed) == 1:
        ((old, new),) = changed.items()
        return f"dataset = dataset.rename_column({quoted(old)}, {quoted(new)})"
    return f"dataset = dataset.rename_columns({record({old: quoted(new) for old, new in changed.items()})})"


def keep_rows(condition: str) -> str:
    return f"dataset = dataset.filter(lambda row: {condition})"


@dataclass(frozen=True)
class TurnFormat:
    """The format of the turns in some columns.

    Attributes:
        keys: the keys of a turn for its speaker and its content.
        speakers: the names of speakers in the sample.
        calls: whether some turns call tools.
        json_calls: whether the arguments of tool calls are JSON text, as OpenAI writes them.
        blocks: whether contents are lists of text blocks: "" (none), "some" or "all".
    """

    keys: tuple[str, str] = ("role", "content")
    speakers: tuple[str, ...] = ()
    calls: bool = False
    json_calls: bool = False
    blocks: str = ""

    @property
    def plain(self) -> bool:
        """Whether chat templates can read the turns without rewriting."""
        return self.keys == ("role", "content") and not (self.renamed or self.json_calls or self.blocks)

    @property
    def renamed(self) -> dict[str, str]:
        """Speakers that chat templates do not know -> their names in chat templates."""
        known = SPEAKER_NAMES | {name: name for name in SPEAKERS}
        return {name: known[name.lower()] for name in self.speakers if known.get(name.lower(), name) != name}


def turn_format(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> TurnFormat:
    """The common format of the turns in `columns`, from the sample."""
    columns = list(columns)
    cells = [row.get(column) for row in rows for column in columns]
    turns = [turn for cell in cells for turn in (cell if isinstance(cell, list) else [cell]) if isinstance(turn, dict)]
    for keys in TURN_KEYS:
        if turns and all(keys[0] in turn for turn in turns) and any(keys[1] in turn for turn in turns):
            speakers = dict.fromkeys(str(turn[keys[0]]) for turn in turns)
            written = any(isinstance(text, str) for turn in turns for text in call_arguments(turn))
            calls = any(turn.get("tool_calls") for turn in turns)
            return TurnFormat(keys, tuple(list(speakers)[:20]), calls, written, _blocks([turn.get(keys[1]) for turn in turns]))
    return TurnFormat()


def _blocks(contents: list[object]) -> str:
    """How many contents are lists of text blocks, as Anthropic writes them; "" when there are other blocks, such as images."""
    lists = [content for content in contents if isinstance(content, list) and content]
    if not lists or any(not isinstance(block, dict) or block.get("type") != "text" for content in lists for block in content):
        return ""
    return "all" if len(lists) == len(contents) else "some"


def chat(script: Script, roles: ColumnRoles, rows: list[dict[str, object]], role: str, speaker: str) -> str:
    """An expression for the messages in the column of this role; a string becomes one turn of `speaker`.

    Turns with other keys or speakers are rewritten by a function in the script. For ShareGPT turns (`from` and `value`) it is:

        ROLES = {"human": "user", "gpt": "assistant"}
        def to_messages(turns):
            return [{"role": ROLES[turn["from"]], "content": turn["value"]} for turn in turns]
    """
    column, kind = roles.by_role[role], roles.kind(role)
    if kind == "string":
        return f"[{turn(speaker, row(column))}]"
    if column in roles.json:
        script.need("import json")
    turns = f"[{cell(roles, column)}]" if kind == "turn" else cell(roles, column)
    form = turn_format(rows, [name for name in roles.by_role.values() if roles.kinds[name] in (kind, "sharegpt", "turn")])
    return turns if form.plain else f"{converter(script, form)}({turns})"


def converter(script: Script, form: TurnFormat) -> str:
    """Add a function to the script that rewrites turns as role and content, and return the function's name."""
    if form.renamed:
        names = {speaker: form.renamed.get(speaker, speaker) for speaker in form.speakers}
        script.need("ROLES = {" + ", ".join(f"{quoted(old)}: {quoted(new)}" for old, new in names.items()) + "}")
    if form.json_calls:
        script.need("import json", _PARSED)
        script.mixed = True
    script.need(f"def to_messages(turns):\n    return [{_turn(form)} for turn in turns]")
    return "to_messages"


_PARSED = """\
def parsed(call):
    return {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}"""


def _turn(form: TurnFormat) -> str:
    """The code for one turn. If turns call tools, their other keys are kept, because names and ids belong to the calls."""
    speaker_key, content_key = (quoted(key) for key in form.keys)
    speaker = f"ROLES[turn[{speaker_key}]]" if form.renamed else f"turn[{speaker_key}]"
    content = f'"".join(block["text"] for block in turn[{content_key}])' if form.blocks else f"turn[{content_key}]"
    if form.blocks == "some":
        content = f"turn[{content_key}] if isinstance(turn[{content_key}], str) else {content}"
    if not (form.calls and form.keys == ("role", "content")):
        return f'{{"role": {speaker}, "content": {content}}}'
    fields = [f'"role": {speaker}'] if form.renamed else []
    fields += [f'"content": {content}'] if form.blocks else []
    fields += ['"tool_calls": [parsed(call) for call in turn.get("tool_calls") or []]'] if form.json_calls else []
    return "{**turn, " + ", ".join(fields) + "}"
