"""One pass over the rows into a small table: some bytes for each row, from which all counts are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_intern_helpers.dataset.full import sql
from ml_intern_helpers.dataset.full.columns import Played
from ml_intern_helpers.dataset.full.flags import Flag
from ml_intern_helpers.dataset.full.relation import Relation
from ml_intern_helpers.dataset.full.row_sketch import said

#: Turns of a conversation that its pattern shows.
PATTERN_TURNS = 60
LABEL_CHARACTERS = 60
#: A question of fewer words may be asked twice by chance.
QUESTION_WORDS = 8


@dataclass(frozen=True)
class Question:
    """What the pass shall find out about each row.

    Attributes:
        columns: those that play a part.
        read: all columns that are read; their nulls and different values are counted.
        doors: what must hold of a row before it is searched for patterns.
        flags: faults to look for.
        telling: columns that make a row what it is; empty when rows cannot be compared.
        keep_questions: other splits will be compared, so a key of the question is kept as well.
        spoken: the columns whose words a row is sketched by, see `row_sketch`.
    """

    columns: list[Played]
    read: Relation
    doors: list[str] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    telling: list[str] = field(default_factory=list)
    keep_questions: bool = False
    spoken: list[str] = field(default_factory=list)

    @property
    def label(self) -> Played | None:
        return next((item for item in self.columns if item.part == "label"), None)

    @property
    def chat(self) -> Played | None:
        """The conversation whose order of speakers is told."""
        chats = [item for item in self.columns if item.chat]
        return next((item for item in chats if item.part in ("messages", "chosen", "completion")), chats[0] if chats else None)


def facts_query(question: Question) -> str:
    """SQL that makes the table `facts`.

    Each level of the query computes what the next one uses by name: DuckDB works out a stack of projections one by one.
    """
    levels = [
        f"SELECT row_number() OVER () AS rn{''.join(f', {name}' for name in question.read.renamed)} FROM {question.read.source}",
        _level([f"{item.source} AS {item.value}" for item in question.columns]),
        _level(
            [f"{item.words} AS {item.text}" for item in question.columns]
            + [f"{item.letters} AS {item.speakers}" for item in question.columns]
        ),
        _level([f"{_joined(question.columns)} AS whole"]),
        _level([f"{door} AS d{number}" for number, door in enumerate(question.doors)]),
        _level([f"coalesce({flag.condition}, false) AS f{number}" for number, flag in enumerate(question.flags)]),
        f"SELECT {', '.join(_kept(question))} FROM inner_rows",
    ]
    query = levels[0]
    for level in levels[1:]:
        query = level.replace("inner_rows", f"({query})", 1) if level else query
    return f"CREATE TEMP TABLE facts AS {query}"


def keys_query(question: Question, there: Relation, table: str) -> str:
    """SQL that makes `table` of the keys of another split's rows."""
    levels = [
        f"SELECT {', '.join(there.renamed) or 'NULL AS nothing'} FROM {there.source}",
        _level([f"{item.source} AS {item.value}" for item in question.columns]),
        _level([f"{item.words} AS {item.text}" for item in question.columns]),
        f"SELECT {_key(question)} AS key, {_question_key(question)} AS asked FROM inner_rows",
    ]
    query = levels[0]
    for level in levels[1:]:
        query = level.replace("inner_rows", f"({query})", 1)
    return f"CREATE TEMP TABLE {table} AS {query}"


def said_query(question: Question, table: str) -> str:
    """SQL that makes `table` of the hashes of what the rows say, and of nothing else."""
    inner = f"SELECT {', '.join(question.read.renamed) or 'NULL AS nothing'} FROM {question.read.source}"
    values = _level([f"{item.source} AS {item.value}" for item in question.columns])
    query = values.replace("inner_rows", f"({inner})", 1) if values else inner
    return f"CREATE TEMP TABLE {table} AS SELECT {said(question.columns, question.spoken)} AS said FROM ({query})"


def _level(made: list[str]) -> str:
    return f"SELECT *, {', '.join(made)} FROM inner_rows" if made else ""


def _joined(columns: list[Played]) -> str:
    """All words of a row as one text, its label left out. A null is not an empty text."""
    texts = [f"coalesce({item.text}, chr(0))" for item in columns if item.part != "label"]
    return f"concat_ws({sql.PART}, {', '.join(texts)})" if texts else "''"


def _key(question: Question) -> str:
    """128 bits of what makes a row; null where that was not read."""
    words = {item.column: item.text for item in question.columns}
    cells = {name: f"{cell}::VARCHAR" for name, cell in question.read.names.items()} | words
    if not question.telling or not set(question.telling) <= set(cells):
        return "NULL::UHUGEINT"
    return f"md5_number(concat_ws({sql.PART}, {', '.join(f'coalesce({cells[name]}, chr(0))' for name in question.telling)}))"


def _question_key(question: Question) -> str:
    by_role = {item.part: item for item in question.columns}
    asking = by_role.get("prompt") or by_role.get("messages")
    if asking is None:
        return "NULL::UHUGEINT"
    said = f"list_filter({asking.value}, lambda x: lower(x.who) IN ('user', 'human'))[1].what" if asking.chat else asking.value
    words = f"regexp_replace(trim(lower({said})), '\\s+', ' ', 'g')"
    return f"CASE WHEN length({words}) - length(replace({words}, ' ', '')) >= {QUESTION_WORDS - 1} THEN md5_number({words}) END"


def _kept(question: Question) -> list[str]:
    made = ["rn", f"{_key(question)} AS key", f"{_size(question.columns)} AS size"]
    made += [f"f{number}" for number in range(len(question.flags))]
    made += [
        f"CASE WHEN f{number} THEN {flag.example} END AS e{number}" for number, flag in enumerate(question.flags) if flag.example
    ]
    # Half a hash tells as many different values apart as a count that is only near the truth can use.
    made += [
        f"CASE WHEN {cell} IS NOT NULL THEN (hash({cell}) >> 32)::UINTEGER END AS c{number}"
        for number, cell in enumerate(question.read.names.values())
    ]
    made += [f"left({question.label.text}, {LABEL_CHARACTERS}) AS label"] if question.label else []
    made += [f"left({question.chat.speakers}, {PATTERN_TURNS}) AS pattern"] if question.chat else []
    made += [f"{_question_key(question)} AS asked"] if question.keep_questions else []
    made += [f"{said(question.columns, question.spoken)} AS said"]
    return made


def _size(columns: list[Played]) -> str:
    """Characters of what is trained on: of a pair, the longer answer with its prompt, as `max_length` is held against it."""
    by_role = {item.part: item.size for item in columns}
    if "chosen" in by_role and "rejected" in by_role:
        return f"{by_role.get('prompt', '0')} + greatest({by_role['chosen']}, {by_role['rejected']})"
    if "messages" in by_role:
        return by_role["messages"]
    named = [by_role[part] for part in ("system", "context", "prompt", "completion") if part in by_role]
    return " + ".join(named) or by_role.get("text", "0")
