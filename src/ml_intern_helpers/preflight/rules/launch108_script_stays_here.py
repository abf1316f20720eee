"""The script is not in the container.

`hf jobs run IMAGE python train.py` starts python in the image, which has none of the files of this machine. Only `hf jobs uv
run` uploads the script, and the files named in its arguments.

Bad:

    $ hf jobs run --flavor a10g-large --timeout 4h pytorch/pytorch:latest python train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

MODES = ("jobs",)


def check(context: ScriptContext) -> Outcomes:
    return context.launch_problems("file-not-in-container")
