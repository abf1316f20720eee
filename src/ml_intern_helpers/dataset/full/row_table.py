"""Makes the table `facts`, a few bytes about each row from one pass over the files, and computes counts and sketch from it.

The counts: rows by problem, copies, rows shared with other splits, columns, orders of speakers, labels and lengths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.set307_duplicates import SQL_COPIES
from ml_intern_helpers.dataset.checks.set313_leakage import QUESTION_WORDS
from ml_intern_helpers.dataset.checks.sql import PART, Flag, SqlColumn, any_of, speakers_in_words
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.full.relation import Relation
from ml_intern_helpers.dataset.lengths import MAX_LENGTHS, MOST_BARS
from ml_intern_helpers.dataset.profile.sketch import HASH_BYTES, MOST_HELD, SPACES, Sketch

#: Most turns in a pattern of speakers.
PATTERN_TURNS = 60
LABEL_CHARACTERS = 60
_DIGITS = 2 * HASH_BYTES
#: Share of the sample's hashes that must be found among those of all rows. A few may differ, since DuckDB and Python disagree on
#: the lower case of some letters (`İ`, a final sigma); that is far below a sketch's own error.
_LEAST_FOUND = 0.99


@dataclass(frozen=True)
class Plan:
    """What the pass computes about each row.

    Attributes:
        columns: the columns with a role.
        read: all columns that are read; their nulls and distinct values are counted.
        doors: conditions that a row must meet before it is searched for patterns, see `text_search.doors`.
        flags: the problems to look for.
        identifying: the columns that identify a row; empty when rows cannot be compared.
        keep_questions: whether to keep a key of the question, for a comparison with other splits.
        spoken: the columns whose texts a row's hash is made of, see `row_hash_sql`.
    """

    columns: list[SqlColumn]
    read: Relation
    doors: list[str] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    identifying: list[str] = field(default_factory=list)
    keep_questions: bool = False
    spoken: list[str] = field(default_factory=list)

    @property
    def label(self) -> SqlColumn | None:
        return next((item for item in self.columns if item.role == "label"), None)

    @property
    def chat(self) -> SqlColumn | None:
        """The conversation whose orders of speakers are counted."""
        chats = [item for item in self.columns if item.chat]
        return next((item for item in chats if item.role in ("messages", "chosen", "completion")), chats[0] if chats else None)


def facts_query(plan: Plan) -> str:
    """SQL that makes the table `facts`.

    The query is nested: each level computes columns that the next one uses by name, so DuckDB computes them only once.
    """
    levels = [
        f"SELECT row_number() OVER () AS rn{''.join(f', {name}' for name in plan.read.renamed)} FROM {plan.read.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        _level(
            [f"{item.words} AS {item.text}" for item in plan.columns]
            + [f"{item.letters} AS {item.speakers}" for item in plan.columns]
        ),
        _level([f"{_whole_text(plan.columns)} AS whole"]),
        _level([f"{door} AS d{number}" for number, door in enumerate(plan.doors)]),
        _level([f"coalesce({flag.condition}, false) AS f{number}" for number, flag in enumerate(plan.flags)]),
        f"SELECT {', '.join(_table_columns(plan))} FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE facts AS {_nested(levels)}"


def keys_query(plan: Plan, there: Relation, table: str) -> str:
    """SQL that makes `table` with the keys of another split's rows."""
    levels = [
        f"SELECT {', '.join(there.renamed) or 'NULL AS nothing'} FROM {there.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        _level([f"{item.words} AS {item.text}" for item in plan.columns]),
        f"SELECT {_key(plan)} AS key, {_question_key(plan)} AS question FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE {table} AS {_nested(levels)}"


def hashes_query(plan: Plan, table: str) -> str:
    """SQL that makes `table` with nothing but the hashes of the rows' texts."""
    levels = [
        f"SELECT {', '.join(plan.read.renamed) or 'NULL AS nothing'} FROM {plan.read.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        f"SELECT {row_hash_sql(plan.columns, plan.spoken)} AS row_hash FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE {table} AS {_nested(levels)}"


def _level(expressions: list[str]) -> str:
    return f"SELECT *, {', '.join(expressions)} FROM inner_rows" if expressions else ""


def _nested(levels: list[str]) -> str:
    """Nest each level around the one before, leaving out empty levels."""
    query = levels[0]
    for level in filter(None, levels[1:]):
        query = level.replace("inner_rows", f"({query})", 1)
    return query


def _whole_text(columns: list[SqlColumn]) -> str:
    """SQL of all texts of a row as one, without its label; nulls differ from empty texts."""
    texts = [f"coalesce({item.text}, chr(0))" for item in columns if item.role != "label"]
    return f"concat_ws({PART}, {', '.join(texts)})" if texts else "''"


def _key(plan: Plan) -> str:
    """SQL of a row's 128-bit key, the hash of its identifying columns; null when one of them was not read."""
    words = {item.column: item.text for item in plan.columns}
    cells = {name: f"{cell}::VARCHAR" for name, cell in plan.read.names.items()} | words
    if not plan.identifying or not set(plan.identifying) <= set(cells):
        return "NULL::UHUGEINT"
    return f"md5_number(concat_ws({PART}, {', '.join(f'coalesce({cells[name]}, chr(0))' for name in plan.identifying)}))"


def _question_key(plan: Plan) -> str:
    by_role = {item.role: item for item in plan.columns}
    column = by_role.get("prompt") or by_role.get("messages")
    if column is None:
        return "NULL::UHUGEINT"
    question = (
        f"list_filter({column.value}, lambda x: lower(x.who) IN ('user', 'human'))[1].what" if column.chat else column.value
    )
    words = f"regexp_replace(trim(lower({question})), '\\s+', ' ', 'g')"
    return f"CASE WHEN length({words}) - length(replace({words}, ' ', '')) >= {QUESTION_WORDS - 1} THEN md5_number({words}) END"


def _table_columns(plan: Plan) -> list[str]:
    kept = ["rn", f"{_key(plan)} AS key", f"{_size(plan.columns)} AS size"]
    kept += [f"f{number}" for number in range(len(plan.flags))]
    kept += [
        f"CASE WHEN f{number} THEN {flag.example} END AS e{number}" for number, flag in enumerate(plan.flags) if flag.example
    ]
    # Half a hash is enough: the count of distinct values is approximate anyway.
    kept += [
        f"CASE WHEN {cell} IS NOT NULL THEN (hash({cell}) >> 32)::UINTEGER END AS c{number}"
        for number, cell in enumerate(plan.read.names.values())
    ]
    kept += [f"left({plan.label.text}, {LABEL_CHARACTERS}) AS label"] if plan.label else []
    kept += [f"left({plan.chat.speakers}, {PATTERN_TURNS}) AS pattern"] if plan.chat else []
    kept += [f"{_question_key(plan)} AS question"] if plan.keep_questions else []
    kept += [f"{row_hash_sql(plan.columns, plan.spoken)} AS row_hash"]
    return kept


def _size(columns: list[SqlColumn]) -> str:
    """SQL of the characters trained on; for a preference pair the prompt with the longer answer, which `max_length` limits."""
    by_role = {item.role: item.size for item in columns}
    if "chosen" in by_role and "rejected" in by_role:
        return f"{by_role.get('prompt', '0')} + greatest({by_role['chosen']}, {by_role['rejected']})"
    if "messages" in by_role:
        return by_role["messages"]
    named = [by_role[role] for role in ("system", "context", "prompt", "completion") if role in by_role]
    return " + ".join(named) or by_role.get("text", "0")


def row_hash_sql(columns: list[SqlColumn], names: Iterable[str]) -> str:
    """SQL of the hash of a row's texts in the columns `names`, equal to `profile.sketch.row_hash`; null when one was not read."""
    by_name = {item.column: item for item in columns}
    wanted = list(names)
    if not wanted or not set(wanted) <= set(by_name):
        return "NULL::VARCHAR"
    words = f"lower(concat({', '.join(_cell_text(by_name[name]) for name in wanted)}))"
    for sign in SPACES:
        words = f"replace({words}, chr({ord(sign)}), '')"
    return f"left(md5({words}), {_DIGITS})"


def _cell_text(item: SqlColumn) -> str:
    """SQL of a cell's text without its speakers."""
    if not item.chat:
        return item.value
    return f"array_to_string(list_transform({item.value}, lambda x: concat(x.what, x.calls)), '')"


def sketch_of(engine: Engine, table: str, sample: Iterable[int]) -> Sketch | None:
    """The sketch of the hashes in the column `row_hash` of `table`.

    None when the hashes of the `sample` are not among them: DuckDB and Python write turns with blocks or tool calls as different
    texts, so a comparison with hashes made by Python would find nothing.
    """
    engine.run(f"CREATE TEMP TABLE {table}_hashes AS SELECT row_hash FROM {table} WHERE row_hash IS NOT NULL GROUP BY row_hash")
    distinct = engine.rows(f"SELECT count(*) FROM {table}_hashes")[0][0]
    sample_hashes = {f"{item:0{_DIGITS}x}" for item in sample}
    literals = ", ".join(f"'{item}'" for item in sample_hashes)
    found = engine.rows(f"SELECT count(*) FROM {table}_hashes WHERE row_hash IN ({literals})")[0][0] if sample_hashes else 0
    if not distinct or found < _LEAST_FOUND * len(sample_hashes):
        return None
    hashes = engine.rows(f"SELECT row_hash FROM {table}_hashes ORDER BY row_hash LIMIT {MOST_HELD}")
    return Sketch(tuple(int(text, 16) for (text,) in hashes), distinct)


MOST_NUMBERS, MOST_PATTERNS, MOST_LABELS = 10, 20, 50
Counts = dict[str, Any]


def flagged(engine: Engine, conditions: list[tuple[str, str | None]], rows: int) -> list[Counts]:
    """For each condition (SQL over `facts`, and SQL of its example): rows, share, first row numbers, one example."""
    if not conditions:
        return []
    expressions = []
    for condition, example in conditions:
        expressions += [f"count(*) FILTER ({condition})", f"min(rn, {MOST_NUMBERS}) FILTER ({condition})"]
        expressions.append(f"arg_min({example}, rn) FILTER ({condition})" if example else "NULL")
    values = engine.rows(f"SELECT {', '.join(expressions)} FROM facts")[0]
    return [counts(values[at], values[at + 1] or [], rows, values[at + 2]) for at in range(0, len(values), 3)]


def counts(count: int, numbers: Iterable[int], rows: int, example: object = None) -> Counts:
    shown = None if example is None else clean(example, limit=120)
    return {"rows": count, "share": count / rows if rows else 0.0, "row_numbers": list(numbers), "example": shown}


def copies(engine: Engine, rows: int) -> tuple[Counts, tuple[int, int] | None]:
    """Rows with the key of an earlier row, and the first of them with the row it repeats."""
    engine.run(f"CREATE TEMP TABLE copies AS {SQL_COPIES}")
    repeats = "FROM facts JOIN copies USING (key) WHERE rn > first"
    count, numbers = engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) {repeats}")[0]
    pair = engine.rows(f"SELECT rn, first {repeats} ORDER BY rn LIMIT 1")
    example = f"row {pair[0][0]} is row {pair[0][1]}" if pair else None
    return counts(count, numbers or [], rows, example), (pair[0][0], pair[0][1]) if pair else None


def together(engine: Engine, flags: list[Flag], codes: Iterable[str]) -> list[tuple[frozenset[str], int]]:
    """Each combination of the problems `codes` that occurs, with the number of rows that have exactly these.

    Computed in one pass over `facts`, with a bit per problem; some ten problems give a few dozen combinations.
    """
    counted = list(codes)
    if not counted:
        return []
    bits = " + ".join(f"CASE WHEN {by_code(flags, code)[0]} THEN {1 << at} ELSE 0 END" for at, code in enumerate(counted))
    combinations = engine.rows(f"SELECT {bits} AS held, count(*) FROM facts GROUP BY 1 HAVING held > 0")
    return [(frozenset(code for at, code in enumerate(counted) if bits >> at & 1), rows) for bits, rows in combinations]


def shared(engine: Engine, other: str, rows: int) -> tuple[Counts, Counts]:
    """Rows of `facts` that are also in the table `other` of another split, and rows that share only their question with it."""
    same_row = f"coalesce(key IN (SELECT key FROM {other} WHERE key IS NOT NULL), false)"
    same_question = f"question IN (SELECT question FROM {other} WHERE question IS NOT NULL) AND NOT ({same_row})"
    rows_found, questions_found = (
        engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) FROM facts WHERE {condition}")[0]
        for condition in (same_row, same_question)
    )
    return counts(rows_found[0], rows_found[1] or [], rows), counts(questions_found[0], questions_found[1] or [], rows)


def columns(engine: Engine, plan: Plan, rows: int) -> dict[str, Counts]:
    """Nulls (exact), different values (about) and whether there is one only, of each column that was read."""
    expressions = [f"count(c{at}), approx_count_distinct(c{at}), min(c{at}) = max(c{at})" for at in range(len(plan.read.types))]
    values = engine.rows(f"SELECT {', '.join(expressions)} FROM facts")[0] if expressions else ()
    found = {}
    for at, column in enumerate(plan.read.types):
        held, different, constant = values[3 * at : 3 * at + 3]
        found[clean(column, limit=200)] = {
            "nulls": rows - held,
            "distinct": 1 if constant else min(different, held),
            "constant": bool(constant) and held == rows,
        }
    return found


def role_patterns(engine: Engine, plan: Plan) -> list[tuple[list[str], int]]:
    """The most frequent orders of speakers, with their rows."""
    if plan.chat is None:
        return []
    query = (
        f"SELECT pattern, count(*) AS n FROM facts WHERE pattern IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_PATTERNS}"
    )
    return [(speakers_in_words(pattern), rows) for pattern, rows in engine.rows(query)]


def label_counts(engine: Engine, plan: Plan) -> dict[str, int] | None:
    """Rows by label, the most frequent ones; None without a label."""
    if plan.label is None:
        return None
    query = f"SELECT label, count(*) AS n FROM facts WHERE label IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_LABELS}"
    return {clean(label, limit=60): rows for label, rows in engine.rows(query)}


def lengths(engine: Engine, of: str) -> Counts | None:
    """Characters of the rows' texts: quantiles, all exact, and a histogram; None when there is no text."""
    sizes = [(int(size), rows) for size, rows in engine.rows("SELECT size, count(*) FROM facts GROUP BY 1 ORDER BY 1")]
    total = sum(rows for _, rows in sizes)
    if not sizes or sizes[-1][0] == 0:
        return None
    figures: Counts = {"of": of, "rows": total, "min": sizes[0][0], "max": sizes[-1][0]}
    figures |= {
        name: _size_of_row(sizes, math.ceil(share * total)) for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    cut = {str(bound): sum(rows for size, rows in sizes if size > bound) / total for bound in MAX_LENGTHS}
    return figures | {"histogram": _bars(sizes), "cut": cut}


def _size_of_row(sizes: list[tuple[int, int]], place: int) -> int:
    """The size of the row at the 1-based `place` in order of size; `sizes` holds (size, rows)."""
    for size, rows in sizes:
        place -= rows
        if place <= 0:
            return size
    return sizes[-1][0]


def _bars(sizes: list[tuple[int, int]]) -> list[list[int]]:
    """`[upper bound, rows]` of at most `MOST_BARS` bars of equal width on a logarithmic scale."""
    low, high = max(sizes[0][0], 1), max(sizes[-1][0], 2)
    bounds = sorted({math.ceil(low * (high / low) ** (step / MOST_BARS)) for step in range(1, MOST_BARS)} | {high})
    bars = [[bound, 0] for bound in bounds]
    bar = 0
    for size, rows in sizes:
        while size > bars[bar][0]:
            bar += 1
        bars[bar][1] += rows
    return bars


def by_code(flags: list[Flag], code: str) -> tuple[str, str | None]:
    """SQL of the condition that any flag of `code` is true, and of its example."""
    at = [number for number, flag in enumerate(flags) if flag.code == code]
    examples = [f"e{number}" for number in at if flags[number].example]
    return any_of(f"f{number}" for number in at), f"coalesce({', '.join(examples)}, NULL)" if examples else None
