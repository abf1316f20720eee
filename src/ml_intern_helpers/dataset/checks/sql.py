"""Building blocks of the SQL definitions of checks: columns with a role as turns and text, quoted names, conditions.

Every cell of a JSON file is read as JSON and converted to turns or text; a cell of another kind raises no error, since such a
row must be counted and not stop the scan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_intern_helpers.dataset.checks.context import CALLS, Row
from ml_intern_helpers.dataset.column_roles import CHAT, ColumnRoles, identifying_columns
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, turn_format
from ml_intern_helpers.dataset.sample import Sample

#: Every character that Python's `str.strip` takes for white space, as the inside of an RE2 class.
_SPACES = r"\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
#: Between the parts of a row, and inside a turn; no text for people holds them.
PART, FIELD = "chr(30)", "chr(31)"
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
NOBODY, OTHER_SPEAKER = "n", "o"
#: More columns than that are no longer compared: each is read in full.
_MOST_COMPARED = 100
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
class SqlColumn:
    """A column with a role. The scan's query computes `source`, `words` and `letters` once for each row and calls them
    by the names in `value`, `text` and `speakers`, which all conditions use.

    Attributes:
        role, column: the role, and the column's name.
        cell: the name that the query has given to the column.
        number: makes the names.
        chat: its cells are lists of turns.
        source: SQL of the cell, typed: a list of structs `(who, what, calls)` for turns, else a text.
        strange: SQL that is true where the cell is of another kind than most are.
    """

    role: str
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
    def first_speakers(self) -> str:
        """The example of a problem with the order of turns."""
        return f"left({self.speakers}, 8)"

    @property
    def words(self) -> str:
        """SQL of `text`, over `value`."""
        if not self.chat:
            return self.value
        texts = f"list_transform({self.value}, lambda x: concat(x.who, {FIELD}, x.what, x.calls))"
        return f"array_to_string({texts}, {PART})"

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


@dataclass(frozen=True)
class Flag:
    """One problem of a row as SQL.

    Attributes:
        code: the check's.
        condition: true where the problem is.
        message: what is wrong, one line.
        fix: what to do.
        example: SQL of a short text that shows the problem, or None.
        columns: what it is about.
        speakers: the example is an order of speakers, one letter each.
    """

    code: str
    condition: str
    message: str
    fix: str
    example: str | None = None
    columns: tuple[str, ...] = ()
    speakers: bool = False


@dataclass(frozen=True)
class SqlColumns:
    """The columns with a role, and the method asked for: what a check makes its flags of."""

    columns: list[SqlColumn]
    method: str | None

    def __iter__(self) -> Iterator[SqlColumn]:
        return iter(self.columns)

    def get(self, role: str) -> SqlColumn | None:
        return next((column for column in self.columns if column.role == role), None)


def columns_to_read(sample: Sample, roles: ColumnRoles) -> set[str]:
    """Columns that must be read: those with a role, and those that rows are compared by, where these are not too many."""
    names = identifying_columns(roles, sample.columns, sample.rows)
    return {*roles.by_role.values(), *(names if len(names) <= _MOST_COMPARED else ())}


def columns_with_roles(
    roles: ColumnRoles, columns: list[Column], rows: list[Row], types: dict[str, str], names: dict[str, str]
) -> list[SqlColumn]:
    """The columns that are read and have a role; one entry per column, in the order of the roles.

    Args:
        types, names: the DuckDB type of each column that is read, and the name that queries use for it.
    """
    mains = {column.name: column.main for column in columns}
    found: dict[str, SqlColumn] = {}
    for role, column in roles.by_role.items():
        if column in types and column not in found and role not in ("tools", "images"):
            keys = turn_format(rows, [column]).keys
            place = role, column, names[column], len(found)
            found[column] = _column(place, mains.get(column, "string"), keys, types[column])
    return list(found.values())


def _column(place: tuple[str, str, str, int], kind: str, keys: tuple[str, str], stored: str) -> SqlColumn:
    cell, number = place[2:]
    as_json = stored == "JSON"
    wanted = ("ARRAY",) if kind in _LISTS else _JSON_KINDS.get(kind)
    strange = f"json_type({cell}) NOT IN ({literals(wanted)})" if as_json and wanted else "false"
    if kind not in CHAT or not (as_json or stored.endswith("[]")):
        return SqlColumn(*place, False, f"({cell} ->> '$')" if as_json else f"{cell}::VARCHAR", strange)
    if not as_json:
        # A struct of any shape becomes text.
        calls = _first_call(f"to_json(x.{name})::VARCHAR" for name in CALLS if name in stored)
        return SqlColumn(*place, True, _same_shape(cell, *keys, calls), strange)
    shape = {**dict.fromkeys(keys, "VARCHAR"), **dict.fromkeys(CALLS, "JSON")}
    turns = f"json_transform({cell}, {literal(json.dumps([shape]))})"
    turns = _same_shape(turns, *keys, _first_call(f"x.{name}::VARCHAR" for name in CALLS))
    hole = f"list_contains(list_transform(v{number}, lambda x: x IS NULL), true)"
    return SqlColumn(*place, True, turns, f"{strange} OR {hole}")


def _first_call(texts: Iterable[str]) -> str:
    """SQL of a turn's calls as text; an empty list of calls is no call."""
    called = [f"nullif(nullif({text}, '[]'), 'null')" for text in texts]
    return f"coalesce({', '.join([*called, 'NULL::VARCHAR'])})"


def _same_shape(turns: str, who: str, what: str, calls: str) -> str:
    fields = f"x.{identifier(who)}", f"x.{identifier(what)}"
    named = f"{{'who': {fields[0]}::VARCHAR, 'what': {fields[1]}::VARCHAR, 'calls': {calls}}}"
    # What was not a turn has become a struct of nulls.
    return f"list_transform({turns}, lambda x: CASE WHEN {fields[0]} IS NULL AND {fields[1]} IS NULL THEN NULL ELSE {named} END)"


def letter(who: str) -> str:
    """SQL of the letter for the speaker that `who` names."""
    names = {**LETTERS, **{old: LETTERS[new] for old, new in SPEAKER_NAMES.items()}}
    cases = " ".join(f"WHEN {literal(role)} THEN {literal(sign)}" for role, sign in names.items())
    return f"CASE lower({who}) {cases} ELSE CASE WHEN {who} IS NULL THEN '{NOBODY}' ELSE '{OTHER_SPEAKER}' END END"


def speakers_in_words(pattern: str) -> list[str]:
    """The speakers that letters stand for: `sua` -> system, user, assistant."""
    names = {sign: role for role, sign in LETTERS.items()} | {NOBODY: "?", OTHER_SPEAKER: "other"}
    return [names[sign] for sign in pattern]


def identifier(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """Literals with commas, for a list or `IN`."""
    return ", ".join(map(literal, values))


def says_something(expression: str) -> str:
    """Whether a text holds anything but white space; stops at the first character that is none."""
    return f"regexp_matches({expression}, {literal('[^' + _SPACES + ']')})"


def any_of(conditions: Iterable[str]) -> str:
    """True where one of `conditions` is; null counts as false."""
    parts = [f"coalesce({condition}, false)" for condition in conditions]
    return "(" + " OR ".join(parts) + ")" if parts else "false"


def stepwise(*conditions: str) -> str:
    """True where all of `conditions` are, each asked only where those before it hold; `AND` would ask them all of every row."""
    *first, last = conditions
    for condition in reversed(first):
        last = f"CASE WHEN {condition} THEN {last} ELSE false END"
    return last
