"""A file of the launch does not exist, or cannot be read as Python.

`hf jobs uv run --dry-run` accepts a script that does not exist. The real submission refuses it, as it refuses any argument
that ends in .py, .sh, .yaml, .yml or .toml and does not name a file.

Bad:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN trian.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("missing-file")
