"""Several GPUs are paid for, but only one process is started.

`hf jobs uv run train.py` starts one process. On a flavor with several GPUs the trainer then either splits each batch over
them from that one process (DataParallel), which is slow, or leaves all but one idle. accelerate starts one process per GPU.

Bad:

    $ hf jobs uv run --flavor a10g-largex4 --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --flavor a10g-largex4 --timeout 4h --secrets HF_TOKEN --with trl --with peft accelerate launch train.py
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed_launch

SEVERITY = "warning"
MODES = ("jobs",)

_FIX = "take a flavor with one GPU, or start it with accelerate: hf jobs uv run --with … accelerate launch SCRIPT"


def check(context: ScriptContext) -> Outcomes:
    gpus, card = context.hardware
    if context.launch is None or not gpus or gpus < 2 or context.training.kind == "command":
        return
    if "device_map" in context.source.text:
        return  # a model spread by device_map uses several GPUs from one process on purpose
    if not context.launch.distributed:
        message = f"{context.flavor} has {gpus} x {card}, and the launch starts one process"
        yield failed_launch(message, _FIX, context.header.setting_text("flavor"))
    elif context.launch.processes is not None and context.launch.processes < gpus:
        message = f"{context.flavor} has {gpus} x {card}, and the launch starts {context.launch.processes} process(es)"
        yield failed_launch(message, f"write --num_processes {gpus}, or take a smaller flavor", context.launch.text)
