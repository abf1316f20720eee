"""The launcher does not have this option.

`hf jobs uv run` lets unknown options through: a mistyped `--flaver` in front of the script is taken for the script, and
`--dry-run` does not warn. accelerate, torchrun, uv and trl end with a usage error.

Bad:

    $ hf jobs uv run --flaver a10g-large --timeout 4h train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("unknown-option")
