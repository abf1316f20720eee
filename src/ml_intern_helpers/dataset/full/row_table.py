"""One pass over the rows into a small table: some bytes for each row, from which all counts and the sketch are made.

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

#: Turns of a conversation that its pattern shows.
PATTERN_TURNS = 60
LABEL_CHARACTERS = 60
_DIGITS = 2 * HASH_BYTES
#: Of the sample's hashes, so many must be found again among those of all rows: the engine's small letters are not Python's in a
#: few alphabets (`İ`, a Greek word's last letter), which is far below a sketch's own error.
_FOUND = 0.99


@dataclass(frozen=True)
class Plan:
    """What the pass shall find out about each row.

    Attributes:
        columns: those with a role.
        read: all columns that are read; their nulls and different values are counted.
        doors: what must hold of a row before it is searched for patterns.
        flags: problems to look for.
        identifying: columns that make a row what it is; empty when rows cannot be compared.
        keep_questions: other splits will be compared, so a key of the question is kept as well.
        spoken: the columns whose words a row is sketched by, see `row_hash_sql`.
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

    Each level of the query computes what the next one uses by name: DuckDB works out a stack of projections one by one.
    """
    levels = [
        f"SELECT row_number() OVER () AS rn{''.join(f', {name}' for name in plan.read.renamed)} FROM {plan.read.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        _level(
            [f"{item.words} AS {item.text}" for item in plan.columns]
            + [f"{item.letters} AS {item.speakers}" for item in plan.columns]
        ),
        _level([f"{_joined(plan.columns)} AS whole"]),
        _level([f"{door} AS d{number}" for number, door in enumerate(plan.doors)]),
        _level([f"coalesce({flag.condition}, false) AS f{number}" for number, flag in enumerate(plan.flags)]),
        f"SELECT {', '.join(_kept(plan))} FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE facts AS {_nested(levels)}"


def keys_query(plan: Plan, there: Relation, table: str) -> str:
    """SQL that makes `table` of the keys of another split's rows."""
    levels = [
        f"SELECT {', '.join(there.renamed) or 'NULL AS nothing'} FROM {there.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        _level([f"{item.words} AS {item.text}" for item in plan.columns]),
        f"SELECT {_key(plan)} AS key, {_question_key(plan)} AS question FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE {table} AS {_nested(levels)}"


def hashes_query(plan: Plan, table: str) -> str:
    """SQL that makes `table` of the hashes of what the rows say, and of nothing else."""
    levels = [
        f"SELECT {', '.join(plan.read.renamed) or 'NULL AS nothing'} FROM {plan.read.source}",
        _level([f"{item.source} AS {item.value}" for item in plan.columns]),
        f"SELECT {row_hash_sql(plan.columns, plan.spoken)} AS row_hash FROM inner_rows",
    ]
    return f"CREATE TEMP TABLE {table} AS {_nested(levels)}"


def _level(expressions: list[str]) -> str:
    return f"SELECT *, {', '.join(expressions)} FROM inner_rows" if expressions else ""


def _nested(levels: list[str]) -> str:
    """Each level around the one before; empty levels are left out."""
    query = levels[0]
    for level in filter(None, levels[1:]):
        query = level.replace("inner_rows", f"({query})", 1)
    return query


def _joined(columns: list[SqlColumn]) -> str:
    """All words of a row as one text, its label left out. A null is not an empty text."""
    texts = [f"coalesce({item.text}, chr(0))" for item in columns if item.role != "label"]
    return f"concat_ws({PART}, {', '.join(texts)})" if texts else "''"


def _key(plan: Plan) -> str:
    """128 bits of what makes a row; null where that was not read."""
    words = {item.column: item.text for item in plan.columns}
    cells = {name: f"{cell}::VARCHAR" for name, cell in plan.read.names.items()} | words
    if not plan.identifying or not set(plan.identifying) <= set(cells):
        return "NULL::UHUGEINT"
    return f"md5_number(concat_ws({PART}, {', '.join(f'coalesce({cells[name]}, chr(0))' for name in plan.identifying)}))"


def _question_key(plan: Plan) -> str:
    by_role = {item.role: item for item in plan.columns}
    asking = by_role.get("prompt") or by_role.get("messages")
    if asking is None:
        return "NULL::UHUGEINT"
    question = (
        f"list_filter({asking.value}, lambda x: lower(x.who) IN ('user', 'human'))[1].what" if asking.chat else asking.value
    )
    words = f"regexp_replace(trim(lower({question})), '\\s+', ' ', 'g')"
    return f"CASE WHEN length({words}) - length(replace({words}, ' ', '')) >= {QUESTION_WORDS - 1} THEN md5_number({words}) END"


def _kept(plan: Plan) -> list[str]:
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
    """Characters of what is trained on: of a pair, the longer answer with its prompt, as `max_length` is held against it."""
    by_role = {item.role: item.size for item in columns}
    if "chosen" in by_role and "rejected" in by_role:
        return f"{by_role.get('prompt', '0')} + greatest({by_role['chosen']}, {by_role['rejected']})"
    if "messages" in by_role:
        return by_role["messages"]
    named = [by_role[role] for role in ("system", "context", "prompt", "completion") if role in by_role]
    return " + ".join(named) or by_role.get("text", "0")


def row_hash_sql(columns: list[SqlColumn], names: Iterable[str]) -> str:
    """SQL of the hash of what a row says in the columns `names`, as `profile.sketch.row_hash` makes it; null where one of them
    was not read."""
    by_name = {item.column: item for item in columns}
    wanted = list(names)
    if not wanted or not set(wanted) <= set(by_name):
        return "NULL::VARCHAR"
    words = f"lower(concat({', '.join(_words(by_name[name]) for name in wanted)}))"
    for sign in SPACES:
        words = f"replace({words}, chr({ord(sign)}), '')"
    return f"left(md5({words}), {_DIGITS})"


def _words(item: SqlColumn) -> str:
    """What a cell says, without who says it."""
    if not item.chat:
        return item.value
    return f"array_to_string(list_transform({item.value}, lambda x: concat(x.what, x.calls)), '')"


def sketch_of(engine: Engine, table: str, sample: Iterable[int]) -> Sketch | None:
    """The sketch of the hashes in the column `row_hash` of `table`.

    None when the rows of the `sample` are not among them: where turns hold blocks or calls, the engine and Python write them
    down in other words, and a comparison with hashes made by Python would find nothing.
    """
    engine.run(f"CREATE TEMP TABLE {table}_hashes AS SELECT row_hash FROM {table} WHERE row_hash IS NOT NULL GROUP BY row_hash")
    distinct = engine.rows(f"SELECT count(*) FROM {table}_hashes")[0][0]
    known = {f"{item:0{_DIGITS}x}" for item in sample}
    listed = ", ".join(f"'{item}'" for item in known)
    met = engine.rows(f"SELECT count(*) FROM {table}_hashes WHERE row_hash IN ({listed})")[0][0] if known else 0
    if not distinct or met < _FOUND * len(known):
        return None
    smallest = engine.rows(f"SELECT row_hash FROM {table}_hashes ORDER BY row_hash LIMIT {MOST_HELD}")
    return Sketch(tuple(int(text, 16) for (text,) in smallest), distinct)


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


def counts(found: int, numbers: Iterable[int], rows: int, example: object = None) -> Counts:
    shown = None if example is None else clean(example, limit=120)
    return {"rows": found, "share": found / rows if rows else 0.0, "row_numbers": list(numbers), "example": shown}


def copies(engine: Engine, rows: int) -> tuple[Counts, tuple[int, int] | None]:
    """Rows whose key an earlier row has, and the first of them with the row it repeats."""
    engine.run(f"CREATE TEMP TABLE copies AS {SQL_COPIES}")
    later = "FROM facts JOIN copies USING (key) WHERE rn > first"
    found, numbers = engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) {later}")[0]
    pair = engine.rows(f"SELECT rn, first {later} ORDER BY rn LIMIT 1")
    example = f"row {pair[0][0]} is row {pair[0][1]}" if pair else None
    return counts(found, numbers or [], rows, example), (pair[0][0], pair[0][1]) if pair else None


def together(engine: Engine, flags: list[Flag], found: Iterable[str]) -> list[tuple[frozenset[str], int]]:
    """Which of the problems `found` rows have at once, and how many rows have just these; a row with none is in no entry.

    One pass over `facts`. Each problem is a bit; with some ten of them there are a few dozen sets.
    """
    named = list(found)
    if not named:
        return []
    bits = " + ".join(f"CASE WHEN {by_code(flags, code)[0]} THEN {1 << at} ELSE 0 END" for at, code in enumerate(named))
    held = engine.rows(f"SELECT {bits} AS held, count(*) FROM facts GROUP BY 1 HAVING held > 0")
    return [(frozenset(code for at, code in enumerate(named) if bits >> at & 1), rows) for bits, rows in held]


def shared(engine: Engine, other: str, rows: int) -> tuple[Counts, Counts]:
    """Rows of `facts` that the table `other` of another split has: whole, and by their question alone."""
    whole = f"coalesce(key IN (SELECT key FROM {other} WHERE key IS NOT NULL), false)"
    same_question = f"question IN (SELECT question FROM {other} WHERE question IS NOT NULL) AND NOT ({whole})"
    same, alike = (
        engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) FROM facts WHERE {condition}")[0]
        for condition in (whole, same_question)
    )
    return counts(same[0], same[1] or [], rows), counts(alike[0], alike[1] or [], rows)


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
    return [(speakers_in_words(pattern), found) for pattern, found in engine.rows(query)]


def label_counts(engine: Engine, plan: Plan) -> dict[str, int] | None:
    """Rows by label, the most frequent ones; None without a label."""
    if plan.label is None:
        return None
    query = f"SELECT label, count(*) AS n FROM facts WHERE label IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_LABELS}"
    return {clean(label, limit=60): found for label, found in engine.rows(query)}


def lengths(engine: Engine, of: str) -> Counts | None:
    """Characters of the rows' texts: quantiles, all exact, and a histogram; None when there is no text."""
    sizes = [(int(size), found) for size, found in engine.rows("SELECT size, count(*) FROM facts GROUP BY 1 ORDER BY 1")]
    total = sum(found for _, found in sizes)
    if not sizes or sizes[-1][0] == 0:
        return None
    found: Counts = {"of": of, "rows": total, "min": sizes[0][0], "max": sizes[-1][0]}
    found |= {name: _at(sizes, math.ceil(share * total)) for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))}
    cut = {str(bound): sum(found for size, found in sizes if size > bound) / total for bound in MAX_LENGTHS}
    return found | {"histogram": _bars(sizes), "cut": cut}


def _at(sizes: list[tuple[int, int]], place: int) -> int:
    """The size of the row at `place`, 1-based, in order of size."""
    for size, found in sizes:
        place -= found
        if place <= 0:
            return size
    return sizes[-1][0]


def _bars(sizes: list[tuple[int, int]]) -> list[list[int]]:
    """`[upper bound, rows]` of at most `MOST_BARS` bars that are equally wide on the scale of logarithms."""
    low, high = max(sizes[0][0], 1), max(sizes[-1][0], 2)
    bounds = sorted({math.ceil(low * (high / low) ** (step / MOST_BARS)) for step in range(1, MOST_BARS)} | {high})
    bars = [[bound, 0] for bound in bounds]
    at = 0
    for size, found in sizes:
        while size > bars[at][0]:
            at += 1
        bars[at][1] += found
    return bars


def by_code(flags: list[Flag], code: str) -> tuple[str, str | None]:
    """The condition that any of the flags of `code` is up, and its example."""
    at = [number for number, flag in enumerate(flags) if flag.code == code]
    examples = [f"e{number}" for number in at if flags[number].example]
    return any_of(f"f{number}" for number in at), f"coalesce({', '.join(examples)}, NULL)" if examples else None
