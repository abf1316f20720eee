"""The launcher refuses the command line.

Something is missing, an option has no value, a value is not a number, two options exclude each other, or `hf jobs run` lacks
its image. The command ends with an error when it is started, in some cases only after the files have been uploaded.

Bad:

    $ hf jobs run --flavor a10g-large --timeout 4h train.py --epochs 1

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("refused-command")
