"""How a dataset writes the turns of conversations, and the code that turns them into what chat templates read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import TURN_KEYS
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, Script, cell, quoted, row, turn
from ml_intern_helpers.dataset.trainers.rows import SPEAKERS, call_arguments


@dataclass(frozen=True)
class TurnFormat:
    """How the turns of some columns are written.

    Attributes:
        keys: the keys for speaker and words.
        speakers: those seen, those that chat templates know included.
        calls: some turns call tools.
        json_calls: their arguments are JSON text, as OpenAI writes them.
        blocks: how many contents are lists of blocks: "", "some" or "all".
    """

    keys: tuple[str, str] = ("role", "content")
    speakers: tuple[str, ...] = ()
    calls: bool = False
    json_calls: bool = False
    blocks: str = ""

    @property
    def plain(self) -> bool:
        return self.keys == ("role", "content") and not (self.renamed or self.json_calls or self.blocks)

    @property
    def renamed(self) -> dict[str, str]:
        known = SPEAKER_NAMES | {name: name for name in SPEAKERS}
        return {name: known[name.lower()] for name in self.speakers if known.get(name.lower(), name) != name}


def turn_format(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> TurnFormat:
    """How the turns in `columns` are written, from the sample. One table of speakers serves them all."""
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
    """Whether contents are lists of text blocks, as Anthropic writes them; pictures among them are left as they are."""
    lists = [content for content in contents if isinstance(content, list) and content]
    if not lists or any(not isinstance(block, dict) or block.get("type") != "text" for content in lists for block in content):
        return ""
    return "all" if len(lists) == len(contents) else "some"


def chat(script: Script, roles: ColumnRoles, rows: list[dict[str, object]], role: str, speaker: str) -> str:
    """An expression for the messages in the column with this role; a string becomes one turn of `speaker`."""
    column, kind = roles.by_role[role], roles.kind(role)
    if kind == "string":
        return f"[{turn(speaker, row(column))}]"
    if column in roles.json:
        script.need("import json")
    held = f"[{cell(roles, column)}]" if kind == "turn" else cell(roles, column)
    form = turn_format(rows, [name for name in roles.by_role.values() if roles.kinds[name] in (kind, "sharegpt", "turn")])
    return held if form.plain else f"{converter(script, form)}({held})"


def converter(script: Script, form: TurnFormat) -> str:
    """Define a function that rewrites turns as role and content; its name."""
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
    """The code for one turn. What else a turn carries is kept where tools are called: names and ids belong to the calls."""
    who, what = (quoted(key) for key in form.keys)
    speaker = f"ROLES[turn[{who}]]" if form.renamed else f"turn[{who}]"
    words = f'"".join(block["text"] for block in turn[{what}])' if form.blocks else f"turn[{what}]"
    if form.blocks == "some":
        words = f"turn[{what}] if isinstance(turn[{what}], str) else {words}"
    if not (form.calls and form.keys == ("role", "content")):
        return f'{{"role": {speaker}, "content": {words}}}'
    fields = [f'"role": {speaker}'] if form.renamed else []
    fields += [f'"content": {words}'] if form.blocks else []
    fields += ['"tool_calls": [parsed(call) for call in turn.get("tool_calls") or []]'] if form.json_calls else []
    return "{**turn, " + ", ".join(fields) + "}"
