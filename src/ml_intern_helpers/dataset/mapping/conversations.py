"""Turns as a dataset writes them, and the code that makes of them what chat templates read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import TURN_KEYS
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, Script, cell, quoted, row, turn
from ml_intern_helpers.dataset.trainers.rows import SPEAKERS, call_arguments


@dataclass(frozen=True)
class Speech:
    """How the turns of some columns are written down.

    Attributes:
        keys: the keys for speaker and words.
        roles: speakers seen, those that chat templates know included.
        calls: some turns call tools.
        json_calls: their arguments are JSON text, as OpenAI writes them.
        blocks: how many contents are lists of blocks: "", "some" or "all".
    """

    keys: tuple[str, str] = ("role", "content")
    roles: tuple[str, ...] = ()
    calls: bool = False
    json_calls: bool = False
    blocks: str = ""

    @property
    def plain(self) -> bool:
        """The turns are what TRL reads."""
        return self.keys == ("role", "content") and not (self.renamed or self.json_calls or self.blocks)

    @property
    def renamed(self) -> dict[str, str]:
        """Speakers that need another name."""
        known = SPEAKER_NAMES | {role: role for role in SPEAKERS}
        return {role: known[role.lower()] for role in self.roles if known.get(role.lower(), role) != role}


def listener(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> Speech:
    """How the turns in `columns` are written, from the sample. One table of roles serves them all."""
    columns = list(columns)
    turns = [turn for row in rows for column in columns for turn in _turns(row.get(column)) if isinstance(turn, dict)]
    for keys in TURN_KEYS:
        if turns and all(keys[0] in turn for turn in turns) and any(keys[1] in turn for turn in turns):
            roles = dict.fromkeys(str(turn[keys[0]]) for turn in turns)
            arguments = [text for turn in turns for text in call_arguments(turn)]
            written = any(isinstance(text, str) for text in arguments)
            calls = any(turn.get("tool_calls") for turn in turns)
            return Speech(keys, tuple(list(roles)[:20]), calls, written, _blocks([turn.get(keys[1]) for turn in turns]))
    return Speech()


def _turns(cell: object) -> list[object]:
    return cell if isinstance(cell, list) else [cell]


def _blocks(contents: list[object]) -> str:
    """Whether contents are lists of text blocks, as Anthropic writes them; pictures among them are left as they are."""
    lists = [content for content in contents if isinstance(content, list) and content]
    if not lists or any(not isinstance(block, dict) or block.get("type") != "text" for content in lists for block in content):
        return ""
    return "all" if len(lists) == len(contents) else "some"


def chat(script: Script, roles: ColumnRoles, rows: list[dict[str, object]], part: str, role: str) -> str:
    """An expression for the messages in the column of `part`; a string becomes one turn of `role`."""
    column, kind = roles.by_role[part], roles.kind(part)
    if kind == "string":
        return f"[{turn(role, row(column))}]"
    if column in roles.json:
        script.need("import json")
    held = f"[{cell(roles, column)}]" if kind == "turn" else cell(roles, column)
    speech = listener(rows, [name for name in roles.by_role.values() if roles.kinds[name] in (kind, "sharegpt", "turn")])
    return held if speech.plain else f"{converter(script, speech)}({held})"


def converter(script: Script, speech: Speech) -> str:
    """Define a function that rewrites turns as role and content; its name."""
    if speech.renamed:
        names_of_all = {role: speech.renamed.get(role, role) for role in speech.roles}
        script.need("ROLES = {" + ", ".join(f"{quoted(role)}: {quoted(name)}" for role, name in names_of_all.items()) + "}")
    if speech.json_calls:
        script.need("import json", _PARSED)
        script.mixed = True
    script.need(f"def to_messages(turns):\n    return [{_turn(speech)} for turn in turns]")
    return "to_messages"


_PARSED = """\
def parsed(call):
    return {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}"""


def _turn(speech: Speech) -> str:
    """The code for one turn. What else a turn carries is kept where tools are called: names and ids belong to the calls."""
    who, what = (quoted(key) for key in speech.keys)
    speaker = f"ROLES[turn[{who}]]" if speech.renamed else f"turn[{who}]"
    words = f'"".join(block["text"] for block in turn[{what}])' if speech.blocks else f"turn[{what}]"
    if speech.blocks == "some":
        words = f"turn[{what}] if isinstance(turn[{what}], str) else {words}"
    if not (speech.calls and speech.keys == ("role", "content")):
        return f'{{"role": {speaker}, "content": {words}}}'
    fields = [f'"role": {speaker}'] if speech.renamed else []
    fields += [f'"content": {words}'] if speech.blocks else []
    fields += ['"tool_calls": [parsed(call) for call in turn.get("tool_calls") or []]'] if speech.json_calls else []
    return "{**turn, " + ", ".join(fields) + "}"
