"""Defines what a check receives (`Facts`), makes its findings, and splits rows into turns and texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ml_intern_helpers.core.report import Finding, Scope, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.patterns import hide
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.verdicts import Verdict

Row = dict[str, Any]
#: Keys that hold a turn's tool calls; the second one is OpenAI's deprecated form.
CALLS = ("tool_calls", "function_call")
#: Roles of columns whose texts a model is trained on or conditioned on.
SPOKEN = ("messages", "dialogue", "prompt", "context", "completion", "chosen", "rejected", "text")
#: Roles of columns that hold questions or answers.
QUESTIONS_AND_ANSWERS = ("messages", "prompt", "completion", "chosen", "rejected", "text")
#: The fewest rows for checks of constant columns, languages and class balance; with fewer they mean nothing.
LEAST_ROWS = 20
#: Nested values are searched for texts down to this depth.
_MAX_DEPTH = 12
#: Most row numbers in a finding's evidence, and in its field `rows`.
_MOST_SHOWN, _MOST_ROWS = 5, 10


class Piece(NamedTuple):
    """One text of a row.

    Attributes:
        column: the column that holds it.
        role: the role of the column (`prompt`, `chosen` …), or None.
        speaker: the speaker of the turn (`user`, `assistant` …), or None outside of turns.
        text: the text itself.
    """

    column: str
    role: str | None
    speaker: str | None
    text: str

    @property
    def is_answer(self) -> bool:
        """Whether this is an assistant's answer that a model would learn."""
        if self.speaker is not None:
            return self.speaker == "assistant" and self.role not in ("rejected", "prompt")
        return self.role in ("completion", "chosen")


class Vocabulary(dict[str, int]):
    """Word -> number, in the order of their first appearance."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


@dataclass(frozen=True)
class AllRows:
    """What a full scan has counted over every row of the split.

    Attributes:
        rows: all rows.
        counts: code -> number of rows with the problem.
        together: each combination of problems that occurs, with the number of rows that have exactly these (without SET307).
        nulls: column -> number of its nulls.
    """

    rows: int
    counts: dict[str, int]
    together: tuple[tuple[frozenset[str], int], ...]
    nulls: dict[str, int]

    def share(self, codes: set[str]) -> float:
        """The share of all rows with any of the problems `codes`; a row with two of them counts once."""
        return sum(rows for problems, rows in self.together if problems & codes) / self.rows


@dataclass(frozen=True)
class Facts:
    """The sample, the roles of its columns, the verdicts, and the method asked for (or None).

    Attributes:
        others: split -> its rows, for other splits that could be read cheaply.
        measured: the method for which the rows were measured, or None.
        tokens: number of tokens of each row as `measured` reads it, or None when tokens were not counted.
        max_length: the `max_length` that the user asked about, or None.
        of_all: what a full scan has counted, or None without one.
    """

    sample: Sample
    columns: list[Column]
    roles: ColumnRoles
    verdicts: dict[str, Verdict]
    method: str | None
    others: dict[str, list[Row]] = field(default_factory=dict)
    measured: str | None = None
    tokens: list[int] | None = None
    max_length: int | None = None
    of_all: AllRows | None = None

    @property
    def rows(self) -> list[Row]:
        return self.sample.rows

    @property
    def complete(self) -> bool:
        """The sample is every row of the split."""
        return self.sample.extent.complete

    @cached_property
    def texts(self) -> list[list[Piece]]:
        return [pieces(row, self.roles) for row in self.rows]

    @cached_property
    def words(self) -> list[list[tuple[int, ...]]]:
        """The texts of every row, each as the numbers of its words in `vocabulary`."""
        number = self.vocabulary.__getitem__
        return [[tuple(map(number, piece.text.casefold().split())) for piece in row] for row in self.texts]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every word of the rows, case-folded; filled by `words`."""
        return Vocabulary()

    @cached_property
    def word_list(self) -> str:
        """The vocabulary, one word per line. It is a tenth of the texts' size, and tells quickly that a word is in no text."""
        return "\n".join(["", *self.vocabulary, ""]) if self.words else ""

    @cached_property
    def joined(self) -> list[str]:
        """All texts of each row as one string, for quick tests whether something may be in it."""
        return ["\n".join(piece.text for piece in row) for row in self.texts]

    @cached_property
    def lowered(self) -> list[str]:
        """`joined` in lower case."""
        return [text.lower() for text in self.joined]

    def questions_and_answers(self) -> Iterator[tuple[str, str, list[object]]]:
        """(role, column, its cells) of every column that holds questions or answers."""
        for role in QUESTIONS_AND_ANSWERS:
            column = self.roles.get(role)
            if column:
                yield role, column, [row.get(column) for row in self.rows]


def finding(
    facts: Facts,
    code: str,
    severity: Severity,
    message: str,
    at: Iterable[int],
    *,
    example: object = None,
    fix: str | None = None,
    columns: Iterable[str] = (),
) -> Finding:
    """A finding about the sampled rows at positions `at`: count, share, row numbers, one example."""
    numbers = [facts.sample.numbers[position] for position in at]
    count, of = len(numbers), len(facts.rows)
    evidence = f"{count} of {of} sampled rows ({count / of:.0%}): row {_shown_numbers(numbers, count)}"
    quoted = None if example is None else clean(hide(str(example)[:2000]), limit=120)
    dataset = clean(facts.sample.dataset, limit=200)
    plain = Finding(code, severity, message, dataset, evidence=evidence, fix=fix, example=quoted)
    return _with_counts(plain, numbers, count, of, "sample", columns)


def finding_over_all(
    dataset: str,
    code: str,
    severity: Severity,
    message: str,
    counted: Row,
    rows: int,
    fix: str | None,
    columns: Iterable[str] = (),
) -> Finding:
    """A finding over all `rows` of a full scan; `counted` is an entry of the report's `full.counts`."""
    numbers, count = counted["row_numbers"], counted["rows"]
    evidence = f"{count:,} of all {rows:,} rows ({counted['share']:.2%}): row {_shown_numbers(numbers, count)}"
    example = clean(counted["example"], limit=120) if counted["example"] else None
    plain = Finding(code, severity, message, clean(dataset, limit=200), evidence=evidence, fix=fix, example=example)
    return _with_counts(plain, numbers, count, rows, "all rows", columns)


def _with_counts(finding: Finding, numbers: list[int], count: int, of: int, scope: Scope, columns: Iterable[str]) -> Finding:
    return finding._replace(
        line=numbers[0] if numbers else None,
        rows=tuple(numbers[:_MOST_ROWS]),
        count=count,
        of=of,
        share=round(count / of, 6),
        scope=scope,
        columns=tuple(clean(name, limit=200) for name in columns) or None,
    )


def _shown_numbers(numbers: list[int], count: int) -> str:
    return ", ".join(map(str, numbers[:_MOST_SHOWN])) + (" …" if count > _MOST_SHOWN else "")


def pieces(row: Row, roles: ColumnRoles) -> list[Piece]:
    """All texts of `row`, in the order of its columns."""
    by_column = {column: role for role, column in reversed(roles.by_role.items())}
    texts: list[Piece] = []
    for column, cell in row.items():
        role = by_column.get(column)
        if isinstance(cell, str):
            texts.append(Piece(column, role, None, cell))
        elif cell is not None:
            texts += [Piece(column, role, who, text) for who, text in _spoken(cell)]
    return texts


def _spoken(cell: Any) -> Iterator[tuple[str | None, str]]:
    """(speaker, text) of every turn in `cell`; (None, string) for strings outside of turns."""
    for item in cell if isinstance(cell, list) else [cell]:
        who = speaker_of(item) if isinstance(item, dict) else None
        if who is None:
            yield from ((None, text) for text in _strings(item))
            continue
        text = "\n".join(_strings(words(item)))
        calls = item.get("tool_calls")
        yield who, text + (json.dumps(calls, ensure_ascii=False, default=str) if calls else "")


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every string inside `value`, without the keys of structs."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)) and depth < _MAX_DEPTH:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item, depth + 1)


def turns(cell: object) -> list[Row]:
    """The turns in a cell of messages; empty for anything else."""
    return [turn for turn in cell if isinstance(turn, dict)] if isinstance(cell, list) else []


def words(turn: Row) -> object:
    """A turn's content, whichever key holds it."""
    return next((turn[key] for key in ("content", "value", "text") if key in turn), None)


def speaker(turn: Row) -> str:
    """A turn's speaker in lower case, whichever key holds it."""
    return str(next((turn[key] for key in ("role", "from", "speaker") if key in turn), "")).lower()


def speaker_of(turn: Row) -> str | None:
    """A turn's speaker under the name that chat templates use; None if `turn` is not a turn."""
    name = next((turn[key] for key in ("role", "from", "speaker") if key in turn), None)
    return SPEAKER_NAMES.get(name.lower(), name.lower()) if isinstance(name, str) else None
