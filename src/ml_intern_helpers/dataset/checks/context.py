"""What a check gets to see, and helpers that checks share. Checks do no reading, no printing, and do not know of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.texts import Piece, Vocabulary, pieces
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.definitions.secrets import hide
from ml_intern_helpers.dataset.full.whole import Whole
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.verdicts import Verdict


@dataclass(frozen=True)
class Facts:
    """The sample, the parts its columns play, the verdicts, and the method asked for (or None).

    Attributes:
        others: rows of other splits that could be read cheaply, by split.
        measured: the method whose reading of the rows was measured, or None.
        tokens: tokens of each row that `measured` reads, or None when nobody counted.
        max_length: the `max_length` that the user asked about, or None.
        of_all: what a full scan has counted over all rows, or None without one.
    """

    look: Sample
    columns: list[Column]
    parts: ColumnRoles
    verdicts: dict[str, Verdict]
    method: str | None
    others: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    measured: str | None = None
    tokens: list[int] | None = None
    max_length: int | None = None
    of_all: Whole | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.look.rows

    @cached_property
    def texts(self) -> list[list[Piece]]:
        """The texts of every row."""
        return [pieces(row, self.parts) for row in self.rows]

    @cached_property
    def words(self) -> list[list[tuple[int, ...]]]:
        """The texts of every row as numbers of their words in `vocabulary`."""
        number = self.vocabulary.__getitem__
        return [[tuple(map(number, piece.text.casefold().split())) for piece in found] for found in self.texts]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every word of the rows, in small letters; filled by `words`."""
        return Vocabulary()

    @cached_property
    def word_list(self) -> str:
        """The vocabulary, one word a line: a tenth of the rows' texts, and what is in no word is in no text."""
        return "\n".join(["", *self.vocabulary, ""]) if self.words else ""

    @cached_property
    def whole(self) -> list[str]:
        """All texts of every row as one, for a quick look whether something can be in it."""
        return ["\n".join(piece.text for piece in found) for found in self.texts]

    @cached_property
    def lowered(self) -> list[str]:
        """`whole` in lower case."""
        return [text.lower() for text in self.whole]

    def answers(self) -> Iterator[tuple[str, str, list[object]]]:
        """(part, column, its cells) of every column that holds text or turns to learn from or to ask with."""
        for part in ("messages", "prompt", "completion", "chosen", "rejected", "text"):
            column = self.parts.get(part)
            if column:
                yield part, column, [row.get(column) for row in self.rows]


#: Keys under which a turn calls tools; the second is OpenAI's old one.
CALLS = ("tool_calls", "function_call")
Check = Callable[[Facts], Iterable[Finding]]


def finding(
    facts: Facts,
    code: str,
    severity: Severity,
    message: str,
    at: Iterable[int],
    *,
    example: object = None,
    fix: str | None = None,
) -> Finding:
    """A finding about the sampled rows at positions `at`: count, share, row numbers, one example."""
    numbers = [facts.look.numbers[position] for position in at]
    shown = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
    share = f"{len(numbers)} of {len(facts.rows)} sampled rows ({len(numbers) / len(facts.rows):.0%}): row {shown}"
    if example is not None:
        share += f"; e.g. {clean(hide(str(example)[:2000]), limit=120)!r}"
    return Finding(
        code, severity, message, clean(facts.look.dataset, limit=200), numbers[0] if numbers else None, None, share, fix
    )


def turns(cell: object) -> list[dict[str, Any]]:
    """The turns in a cell of messages; empty for anything else."""
    return [turn for turn in cell if isinstance(turn, dict)] if isinstance(cell, list) else []


def words(turn: dict[str, Any]) -> object:
    """What a turn says, under whichever key."""
    return next((turn[key] for key in ("content", "value", "text") if key in turn), None)


def speaker(turn: dict[str, Any]) -> str:
    """Who a turn is by, under whichever key, in lower case."""
    return str(next((turn[key] for key in ("role", "from", "speaker") if key in turn), "")).lower()
