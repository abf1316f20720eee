"""Runs filter steps on the rows with `datasets` itself, one after another, and counts what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.decision.step import Step
from ml_intern_helpers.dataset.full.whole import Whole
from ml_intern_helpers.dataset.mapping.run import MappingFailed, run_one_by_one


@dataclass(frozen=True)
class Filtered:
    """Filters that were run.

    Attributes:
        steps: those that took rows, in the order in which they ran.
        removed: rows that each of them took.
        rows: what is left.
    """

    steps: tuple[Step, ...]
    removed: tuple[int, ...]
    rows: list[dict[str, Any]]

    def share(self, *codes: str) -> float:
        """The share of all rows that the steps for `codes` took."""
        taken = sum(count for step, count in zip(self.steps, self.removed, strict=True) if step.code in codes)
        return taken / (len(self.rows) + sum(self.removed))

    @property
    def rows_out(self) -> int:
        return len(self.rows)

    def told(self, whole: Whole | None) -> list[dict[str, Any]]:
        """The `filters` of the report; `rows_of_all` only where a full scan has counted the fault."""
        pairs = zip(self.steps, self.removed, strict=True)
        return [
            {
                "code": step.code,
                "condition": step.condition,
                "rows_removed": count,
                "rows_of_all": whole.rows_with(step.code) if whole else None,
            }
            for step, count in pairs
        ]

    def code(self, load: str) -> str:
        """All of it as a script: `load` the rows, define, filter."""
        loader = "load_from_disk" if "load_from_disk" in load else "load_dataset"
        imports, rest = _sorted_definitions(self.steps)
        filters = [f"{step.statement()}  # {step.code}" for step in self.steps]
        return "\n".join([*imports, f"from datasets import {loader}", load, *rest, *filters])


def filtered(facts: Facts, steps: list[Step]) -> Filtered | None:
    """Run `steps` on the rows; None when none of them is needed. One that stops is left out.

    Needed is a step that takes a row, or whose fault a full scan has counted in rows that are not at hand.
    """
    unique = list({step.condition: step for step in reversed(steps)}.values())[::-1]
    while unique:
        imports, rest = _sorted_definitions(unique)
        try:
            counts, rows = run_one_by_one("\n".join([*imports, *rest]), [step.statement() for step in unique], facts.rows)
        except MappingFailed as err:
            unique.pop(err.at)
            continue
        taken = [before - after for before, after in zip([len(facts.rows), *counts], counts, strict=False)]
        held = [(step, count) for step, count in zip(unique, taken, strict=True) if count or _elsewhere(facts, step)]
        return Filtered(tuple(step for step, _ in held), tuple(count for _, count in held), rows) if held else None
    return None


def _elsewhere(facts: Facts, step: Step) -> bool:
    return facts.of_all is not None and bool(facts.of_all.rows_with(step.code))


def _sorted_definitions(steps: tuple[Step, ...] | list[Step]) -> tuple[list[str], list[str]]:
    """Imports, and the other definitions; each once."""
    blocks = list(dict.fromkeys(block for step in steps for block in step.definitions))
    return sorted(block for block in blocks if block.startswith("import ")), [
        block for block in blocks if not block.startswith("import ")
    ]
