"""Makes cases from seeds and says which faults were found and which alarms were false."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.examine import examine
from preflight.faults.draft import HERE, draft
from preflight.faults.kinds import KINDS
from preflight.faults.lookalikes import LOOKALIKES

Found = set[tuple[str, int | None]]


class Case(NamedTuple):
    """A script, and what must be found in it: nothing when `code` is empty."""

    name: str
    text: str
    code: str = ""

    @property
    def line(self) -> int:
        """The line with the fault."""
        return next(number for number, line in enumerate(self.text.splitlines(), start=1) if line.endswith(HERE))


class Result(NamedTuple):
    """Faults put in and found; alarms on what is no fault."""

    faults: int
    missed: list[str]
    harmless: int
    false: list[str]

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.faults

    def __str__(self) -> str:
        found = self.faults - len(self.missed)
        return f"{found} of {self.faults} faults found ({self.recall:.1%}), {len(self.false)} false alarms in {self.harmless} scripts"


def cases(seed: int, each: int) -> Iterator[Case]:
    """`each` scripts of every kind of fault and of every look-alike."""
    for name, inject in (KINDS | LOOKALIKES).items():
        for number in range(each):
            made = draft(random.Random(f"{seed} {name} {number}"))
            code = inject(made) or ""
            case = Case(f"{name} {number}", made.text(), code)
            ast.parse(case.text)
            yield case


@cache
def codes() -> frozenset[str]:
    """The codes of `KINDS`: what another rule says of a made-up script (an unnamed run, a trackerless one) is no alarm."""
    return frozenset(case.code for case in cases(1, 1)) - {""}


def judged(case: Case, folder: Path) -> Found:
    """The findings of the codes that are put in, called in this process."""
    script = folder / "train.py"
    script.write_text(case.text, encoding="utf-8")
    found = examine(read_source(script), "jobs").findings
    return {(one.code, one.line) for one in found if one.code in codes()}


def compare(results: Iterable[tuple[Case, Found]]) -> Result:
    """What `judged` found, against what was put in; a finding elsewhere in a faulty script is a false alarm, too."""
    faults, harmless = 0, 0
    missed: list[str] = []
    false: list[str] = []
    for case, found in results:
        wanted = {(case.code, case.line)} if case.code else set()
        faults += bool(wanted)
        harmless += not wanted
        missed += [case.name] if not wanted <= found else []
        false += [f"{case.name}: {sorted(found - wanted, key=str)}"] if found - wanted else []
    return Result(faults, missed, harmless, false)
