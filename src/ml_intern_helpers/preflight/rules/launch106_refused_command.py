"""A command line that the launcher refuses.

A word that is missing, an option without its value, a number that is none, options that exclude each other, an image
left out of `hf jobs run`: it ends with an error when it is started, some of it only after the files were uploaded.

Bad:

    $ hf jobs run --flavor a10g-large --timeout 4h train.py --epochs 1

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("refused-command")
