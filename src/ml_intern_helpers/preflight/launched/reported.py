"""What reading the command line has already found, as outcomes of the rule that stands for it."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed_launch


def reported(facts: Facts, code: str) -> Iterator[Outcome]:
    """The launch's faults of that code; nothing without a launch."""
    for fault in facts.launch.faults if facts.launch else ():
        if fault.code == code:
            yield failed_launch(fault.message, fault.fix, fault.seen, fault.severity)
