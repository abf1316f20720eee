"""A timeout that the client cannot read.

It takes one number with one of s, m, h, d, or whole seconds. `2h30m`, `90min` and `30 minutes` end the submission
with "could not convert string to float"; `1.5h` is fine. `hf … --dry-run` does not notice.

Bad:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "2h30m"
    # ///

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "2.5h"
    # ///
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.asking import shown
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.knowledge.jobs import timeout_seconds
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "LAUNCH102"
SEVERITY = "error"
MODES = ("jobs",)


def check(facts: Facts) -> Iterator[Outcome]:
    value = (facts.header.jobs or {}).get("timeout")
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return  # absent, or of a type that LAUNCH103 names
    seconds = timeout_seconds(str(value))
    line = facts.header.line_with("timeout", "=")
    if seconds is None:
        message = f"timeout = {shown(value)} is not what the client reads: one number and one of s m h d, or seconds"
        yield failed(message, 'write one unit: "2.5h" or "150m"', line)
    elif seconds <= 0:
        yield failed(f"timeout = {shown(value)} is no time at all", 'write "4h"', line)
