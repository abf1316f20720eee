"""A secret is passed as a plain variable.

A value passed with `-e` is part of the job's description, which everybody who may see the job can read. `--secrets NAME`
takes the value from this machine and keeps it out of the description and out of the shell's history.

Bad:

    $ hf jobs uv run -e HF_TOKEN --flavor a10g-large --timeout 4h train.py

Good:

    $ hf jobs uv run --secrets HF_TOKEN --flavor a10g-large --timeout 4h train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("secret-as-variable")
