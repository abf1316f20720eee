"""A secret is passed as a plain variable.

What `-e` passes is part of the job's description: everybody who may see the job reads it. `--secrets NAME` takes the
value from this machine and keeps it out of the description and of the shell's history.

Bad:

    $ hf jobs uv run -e HF_TOKEN --flavor a10g-large --timeout 4h train.py

Good:

    $ hf jobs uv run --secrets HF_TOKEN --flavor a10g-large --timeout 4h train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.launch_check import reported
from ml_intern_helpers.preflight.outcome import Outcome

CODE = "LAUNCH110"
SEVERITY = "error"
MODES = ("jobs",)


def check(facts: Facts) -> Iterator[Outcome]:
    yield from reported(facts, CODE)
