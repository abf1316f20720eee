"""Builds the SQL of checks: columns with a role as turns and text, quoted names, conditions.

Every cell of a JSON file is read as JSON and converted to turns or text. A cell of another kind raises no error: its row is
counted as a problem, and the scan goes on.
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

#: All white space of Python's `str.strip`, for use inside an RE2 character class.
_SPACES = r"\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
#: Separators between the parts of a row, and inside a turn: control characters that texts do not contain.
PART, FIELD = "chr(30)", "chr(31)"
#: A letter per speaker: orders of turns are searched in the string of a conversation's letters.
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
#: Rows are not compared by more columns than this, since each must be read in full.
_MOST_COMPARED = 100
#: Kind of a cell -> DuckDB's names of its JSON type.
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
    """A column with a role. The scan's query computes `source`, `words` and `letters` once for each row, under the names
    `value`, `text` and `speakers`, which all conditions use.

    Attributes:
        role, column: the role, and the column's name in the dataset.
        cell: the column's name in the query.
        number: a number that makes the names unique.
        chat: whether its cells are lists of turns.
        source: SQL of the typed cell: a list of structs `(who, what, calls)` for turns, otherwise a text.
        strange: SQL that is true where the cell has another kind than most.
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
        """Name of the cell's whole text; null where the cell is null."""
        return f"t{self.number}"

    @property
    def speakers(self) -> str:
        """Name of the string with one letter per turn; null when the cell has no turns."""
        return f"l{self.number}"

    @property
    def first_speakers(self) -> str:
        """SQL of the example for a problem with the order of turns."""
        return f"left({self.speakers}, 8)"

    @property
    def words(self) -> str:
        """SQL that computes `text` from `value`."""
        if not self.chat:
            return self.value
        texts = f"list_transform({self.value}, lambda x: concat(x.who, {FIELD}, x.what, x.calls))"
        return f"array_to_string({texts}, {PART})"

    @property
    def letters(self) -> str:
        """SQL that computes `speakers` from `value`."""
        if not self.chat:
            return "NULL::VARCHAR"
        return f"array_to_string(list_transform({self.value}, lambda x: {letter('x.who')}), '')"

    @property
    def size(self) -> str:
        """SQL that computes the number of characters from `value`; 0 for an empty or null cell."""
        if not self.chat:
            return f"coalesce(length({self.value}), 0)"
        each = "coalesce(length(x.what), 0) + coalesce(length(x.calls), 0)"
        return f"coalesce(list_sum(list_transform({self.value}, lambda x: {each})), 0)::BIGINT"


@dataclass(frozen=True)
class Flag:
    """One problem of a row as SQL.

    Attributes:
        code: the check's code.
        condition: SQL that is true for rows with the problem.
        message: one line that says what is wrong.
        fix: what to do about the rows.
        example: SQL of a short text that shows the problem, or None.
        columns: the columns with the problem.
        speakers: whether the example is an order of speakers, one letter each.
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
    """The columns with a role and the requested method, from which a check makes its flags."""

    columns: list[SqlColumn]
    method: str | None

    def __iter__(self) -> Iterator[SqlColumn]:
        return iter(self.columns)

    def get(self, role: str) -> SqlColumn | None:
        return next((column for column in self.columns if column.role == role), None)


def columns_to_read(sample: Sample, roles: ColumnRoles) -> set[str]:
    """The columns that must be read: those with a role, and those that rows are compared by, unless these are too many."""
    names = identifying_columns(roles, sample.columns, sample.rows)
    return {*roles.by_role.values(), *(names if len(names) <= _MOST_COMPARED else ())}


def columns_with_roles(
    roles: ColumnRoles, columns: list[Column], rows: list[Row], types: dict[str, str], names: dict[str, str]
) -> list[SqlColumn]:
    """The columns that are read and have a role, without repetition, in the order of the roles.

    Args:
        types, names: the DuckDB type and the name in queries of each column that is read.
    """
    kinds = {column.name: column.main for column in columns}
    sql_columns: dict[str, SqlColumn] = {}
    for role, column in roles.by_role.items():
        if column in types and column not in sql_columns and role not in ("tools", "images"):
            keys = turn_format(rows, [column]).keys
            place = role, column, names[column], len(sql_columns)
            sql_columns[column] = _column(place, kinds.get(column, "string"), keys, types[column])
    return list(sql_columns.values())


def _column(place: tuple[str, str, str, int], kind: str, keys: tuple[str, str], stored: str) -> SqlColumn:
    cell, number = place[2:]
    as_json = stored == "JSON"
    json_types = ("ARRAY",) if kind in _LISTS else _JSON_KINDS.get(kind)
    strange = f"json_type({cell}) NOT IN ({literals(json_types)})" if as_json and json_types else "false"
    if kind not in CHAT or not (as_json or stored.endswith("[]")):
        return SqlColumn(*place, False, f"({cell} ->> '$')" if as_json else f"{cell}::VARCHAR", strange)
    if not as_json:
        # The tool calls, whatever their struct, become text.
        calls = _first_call(f"to_json(x.{name})::VARCHAR" for name in CALLS if name in stored)
        return SqlColumn(*place, True, _uniform_turns(cell, *keys, calls), strange)
    shape = {**dict.fromkeys(keys, "VARCHAR"), **dict.fromkeys(CALLS, "JSON")}
    turns = f"json_transform({cell}, {literal(json.dumps([shape]))})"
    turns = _uniform_turns(turns, *keys, _first_call(f"x.{name}::VARCHAR" for name in CALLS))
    has_null_turn = f"list_contains(list_transform(v{number}, lambda x: x IS NULL), true)"
    return SqlColumn(*place, True, turns, f"{strange} OR {has_null_turn}")


def _first_call(texts: Iterable[str]) -> str:
    """SQL of the first of `texts` that holds tool calls; an empty list or a JSON null does not count as a call."""
    called = [f"nullif(nullif({text}, '[]'), 'null')" for text in texts]
    return f"coalesce({', '.join([*called, 'NULL::VARCHAR'])})"


def _uniform_turns(turns: str, who: str, what: str, calls: str) -> str:
    fields = f"x.{identifier(who)}", f"x.{identifier(what)}"
    struct = f"{{'who': {fields[0]}::VARCHAR, 'what': {fields[1]}::VARCHAR, 'calls': {calls}}}"
    # Items that were not turns have become structs of nulls.
    return f"list_transform({turns}, lambda x: CASE WHEN {fields[0]} IS NULL AND {fields[1]} IS NULL THEN NULL ELSE {struct} END)"


def letter(who: str) -> str:
    """SQL of the letter for the speaker named by the SQL expression `who`."""
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
    """Literals separated by commas, for a list or `IN`."""
    return ", ".join(map(literal, values))


def says_something(expression: str) -> str:
    """SQL: whether a text contains anything but white space."""
    return f"regexp_matches({expression}, {literal('[^' + _SPACES + ']')})"


def any_of(conditions: Iterable[str]) -> str:
    """SQL that is true if any of `conditions` is; null counts as false."""
    parts = [f"coalesce({condition}, false)" for condition in conditions]
    return "(" + " OR ".join(parts) + ")" if parts else "false"


def stepwise(*conditions: str) -> str:
    """SQL that is true if all `conditions` are; each is evaluated only if those before it hold, which `AND` does not ensure."""
    *first, last = conditions
    for condition in reversed(first):
        last = f"CASE WHEN {condition} THEN {last} ELSE false END"
    return last
