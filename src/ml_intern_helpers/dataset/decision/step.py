"""One filter, as code."""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern_helpers.dataset.mapping.code import keep_rows


@dataclass(frozen=True)
class Step:
    """One filter.

    Attributes:
        code: the finding it answers.
        condition: an expression on `row` that is true for rows to keep; on `index`, the row's place, where it is `indexed`.
        definitions: code that the condition needs, each block ending up once in front of all filters.
        indexed: the condition is about places, which hold before any other filter has run.
    """

    code: str
    condition: str
    definitions: tuple[str, ...] = ()
    indexed: bool = False

    def statement(self) -> str:
        """The line of code that filters."""
        if self.indexed:
            return f"dataset = dataset.filter(lambda row, index: {self.condition}, with_indices=True)"
        return keep_rows(self.condition)
