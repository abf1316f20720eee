"""The columns that play a part, as SQL: turns, texts and roles, whatever the file stores them as.

Of JSON files every cell is taken as JSON and turned into turns or text without an error where it is something else: one row of
another kind must be counted, not stop the scan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ml_intern_helpers.dataset.checks.context import CALLS
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.full import sql
from ml_intern_helpers.dataset.full.relation import Relation
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES
from ml_intern_helpers.dataset.mapping.conversations import listener
from ml_intern_helpers.dataset.same_rows import telling
from ml_intern_helpers.dataset.sample import Sample

#: One letter per speaker: a conversation becomes a short text in which orders of turns are easy to look for.
LETTERS = {
    "system": "s",
    "developer": "d",
    "user": "u",
    "assistant": "a",
    "tool": "t",
    "function": "f",
    "ipython": "i",
}
NOBODY, OTHER = "n", "o"
CHAT = frozenset({"messages", "sharegpt"})
#: More columns than that are no longer compared: each is read in full.
_MOST_TELLING = 100
#: Kind of a cell -> what DuckDB calls it in JSON.
_JSON_KINDS = {
    "string": ("VARCHAR",),
    "bool": ("BOOLEAN",),
    "int": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "float": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "turn": ("OBJECT",),
    "dict": ("OBJECT",),
}
_LISTS = frozenset({"messages", "sharegpt", "empty list", "list", "list of string", "list of int", "list of dict"})


@dataclass(frozen=True)
class Played:
    """A column that plays a part. The scan's query computes `source`, `words` and `letters` once for each row and calls them
    by the names in `value`, `text` and `speakers`, which all conditions use.

    Attributes:
        part, column: the part, and the column's name.
        cell: the name that the query has given to the column.
        number: makes the names.
        chat: its cells are lists of turns.
        source: SQL of the cell, typed: a list of structs `(who, what, calls)` for turns, else a text.
        strange: SQL that is true where the cell is of another kind than most are.
    """

    part: str
    column: str
    cell: str
    number: int
    chat: bool
    source: str
    strange: str

    @property
    def value(self) -> str:
        return f"v{self.number}"

    @property
    def text(self) -> str:
        """All words of the cell as one text, null where the cell is."""
        return f"t{self.number}"

    @property
    def speakers(self) -> str:
        """One letter for each turn; null for no turns."""
        return f"l{self.number}"

    @property
    def words(self) -> str:
        """SQL of `text`, over `value`."""
        if not self.chat:
            return self.value
        said = f"list_transform({self.value}, lambda x: concat(x.who, {sql.FIELD}, x.what, x.calls))"
        return f"array_to_string({said}, {sql.PART})"

    @property
    def letters(self) -> str:
        """SQL of `speakers`, over `value`."""
        if not self.chat:
            return "NULL::VARCHAR"
        return f"array_to_string(list_transform({self.value}, lambda x: {letter('x.who')}), '')"

    @property
    def size(self) -> str:
        """SQL of the characters of its words, over `value`; 0 where there are none."""
        if not self.chat:
            return f"coalesce(length({self.value}), 0)"
        each = "coalesce(length(x.what), 0) + coalesce(length(x.calls), 0)"
        return f"coalesce(list_sum(list_transform({self.value}, lambda x: {each})), 0)::BIGINT"


def needed(look: Sample, parts: ColumnRoles) -> set[str]:
    """Columns that must be read: those that play a part, and those that rows are compared by, where these are not too many."""
    names = telling(parts, look.columns, look.rows)
    return {*parts.by_role.values(), *(names if len(names) <= _MOST_TELLING else ())}


def played(parts: ColumnRoles, columns: list[Column], rows: list[dict[str, object]], read: Relation) -> list[Played]:
    """What each column that is read plays; one entry per column, in the order of the parts."""
    mains = {column.name: column.main for column in columns}
    found: dict[str, Played] = {}
    for part, column in parts.by_role.items():
        if column in read.types and column not in found and part not in ("tools", "images"):
            keys = listener(rows, [column]).keys
            place = part, column, read.names[column], len(found)
            found[column] = _played(place, mains.get(column, "string"), keys, read.types[column])
    return list(found.values())


def _played(place: tuple[str, str, str, int], kind: str, keys: tuple[str, str], stored: str) -> Played:
    cell, number = place[2:]
    as_json = stored == "JSON"
    chat = kind in CHAT and (as_json or stored.endswith("[]"))
    strange = _strange(cell, kind) if as_json else "false"
    if not chat:
        return Played(*place, False, f"({cell} ->> '$')" if as_json else f"{cell}::VARCHAR", strange)
    turns = _turns_of_json(cell, keys) if as_json else _turns_of_structs(cell, keys, stored)
    hole = f"list_contains(list_transform(v{number}, lambda x: x IS NULL), true)"
    return Played(*place, True, turns, f"{strange} OR {hole}" if as_json else strange)


def _turns_of_json(cell: str, keys: tuple[str, str]) -> str:
    who, what = keys
    shape = {who: "VARCHAR", what: "VARCHAR", **dict.fromkeys(CALLS, "JSON")}
    turns = f"json_transform({cell}, {sql.text(json.dumps([shape]))})"
    return _same_shape(turns, who, what, _first_call(f"x.{name}::VARCHAR" for name in CALLS))


def _turns_of_structs(cell: str, keys: tuple[str, str], stored: str) -> str:
    # A struct of any shape becomes text.
    calls = _first_call(f"to_json(x.{name})::VARCHAR" for name in CALLS if name in stored)
    return _same_shape(cell, *keys, calls)


def _first_call(texts: Iterable[str]) -> str:
    """SQL of a turn's calls as text; an empty list of calls is no call."""
    called = [f"nullif(nullif({text}, '[]'), 'null')" for text in texts]
    return f"coalesce({', '.join([*called, 'NULL::VARCHAR'])})"


def _same_shape(turns: str, who: str, what: str, calls: str) -> str:
    said = f"x.{sql.name(who)}", f"x.{sql.name(what)}"
    named = f"{{'who': {said[0]}::VARCHAR, 'what': {said[1]}::VARCHAR, 'calls': {calls}}}"
    # What was no turn has become one of nulls.
    return f"list_transform({turns}, lambda x: CASE WHEN {said[0]} IS NULL AND {said[1]} IS NULL THEN NULL ELSE {named} END)"


def _strange(cell: str, kind: str) -> str:
    wanted = ("ARRAY",) if kind in _LISTS else _JSON_KINDS.get(kind)
    return f"json_type({cell}) NOT IN ({sql.texts(wanted)})" if wanted else "false"


def letter(who: str) -> str:
    """SQL of the letter for the speaker that `who` names."""
    names = {**LETTERS, **{old: LETTERS[new] for old, new in SPEAKER_NAMES.items()}}
    cases = " ".join(f"WHEN {sql.text(role)} THEN {sql.text(sign)}" for role, sign in names.items())
    return f"CASE lower({who}) {cases} ELSE CASE WHEN {who} IS NULL THEN '{NOBODY}' ELSE '{OTHER}' END END"


def words_of(pattern: str) -> str:
    """`sua` -> `system user assistant`, for people."""
    names = {sign: role for role, sign in LETTERS.items()} | {NOBODY: "?", OTHER: "other"}
    return " ".join(names[sign] for sign in pattern)
