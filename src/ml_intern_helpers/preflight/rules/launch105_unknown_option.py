"""An option that the launcher does not have.

`hf jobs uv run` lets unknown options through: a mistyped `--flaver` in front of the script becomes the script, and
`--dry-run` shows that without a word. accelerate, torchrun, uv and trl end with a usage error.

Bad:

    $ hf jobs uv run --flaver a10g-large --timeout 4h train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.launch_check import reported
from ml_intern_helpers.preflight.outcome import Outcome

CODE = "LAUNCH105"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    yield from reported(facts, CODE)
