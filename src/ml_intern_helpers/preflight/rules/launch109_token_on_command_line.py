"""A Hugging Face token stands on the command line.

It stays in the shell's history, in the list of processes that others see, and in this conversation. Revoke it.

Bad:

    $ HF_TOKEN=hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234 python train.py

Good:

    $ python train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.launch_check import reported
from ml_intern_helpers.preflight.outcome import Outcome

CODE = "LAUNCH109"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    yield from reported(facts, CODE)
