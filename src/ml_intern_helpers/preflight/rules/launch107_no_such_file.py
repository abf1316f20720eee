"""A file of the launch that is not there, or that cannot be read as Python.

`hf jobs uv run --dry-run` accepts a script that does not exist. The real submission refuses it, and any argument that
ends in .py, .sh, .yaml, .yml or .toml and is no file.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN trian.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.launch_check import reported
from ml_intern_helpers.preflight.outcome import Outcome

CODE = "LAUNCH107"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    yield from reported(facts, CODE)
