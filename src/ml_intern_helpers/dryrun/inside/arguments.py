"""Takes out of a trainer's arguments what needs a GPU, another process or a service, and reports it."""

from __future__ import annotations

import json
import os
from typing import Any

from ml_intern_helpers.dryrun.inside.events import finding, substitute
from ml_intern_helpers.dryrun.inside.files import inside_scratch

#: Setting -> the value it gets on this machine.
_PLACE: dict[str, Any] = {
    "bf16": False,
    "fp16": False,
    "tf32": None,
    "bf16_full_eval": False,
    "fp16_full_eval": False,
    "torch_compile": False,
    "use_vllm": False,
    "deepspeed": None,
    "use_liger_kernel": False,
    "dataloader_num_workers": 0,
    "dataloader_persistent_workers": False,
    "dataloader_prefetch_factor": None,
    "dataloader_pin_memory": False,
    "ddp_backend": None,
    "use_cpu": True,
    "jit_mode_eval": False,
}
#: Changes that need no mention.
_QUIET = ("use_cpu", "dataloader_pin_memory", "dataloader_persistent_workers", "tf32")


def patch(module: Any) -> None:
    """Make `TrainingArguments.__post_init__` of `transformers.training_args` run on this machine."""
    arguments = module.TrainingArguments
    original = arguments.__post_init__

    def post_init(self: Any) -> None:
        _check(self)
        if not (self.bf16 and self.fp16):  # both at once are refused by the library
            _take_out(self)
        _report_to_nothing(self)
        self.output_dir = inside_scratch(self.output_dir)
        original(self)
        self.report_to = []

    arguments.__post_init__ = post_init


def _take_out(arguments: Any) -> None:
    for name, value in _PLACE.items():
        if not hasattr(arguments, name):
            continue
        real = getattr(arguments, name)
        if real and real != value and name not in _QUIET:
            shown = f"{name}={real!r}" if not isinstance(real, (dict, str)) or len(str(real)) < 40 else name
            substitute("place", f"{shown} is taken out")
        setattr(arguments, name, value)
    if getattr(arguments, "fsdp", None):
        substitute("place", f"fsdp={arguments.fsdp!r} is taken out")
        arguments.fsdp = None if arguments.fsdp is not True else False
        arguments.fsdp_config = None
    optimizer = str(getattr(arguments.optim, "value", arguments.optim))
    if any(mark in optimizer for mark in ("bnb", "8bit", "fused", "paged", "4bit", "apex", "lomo", "galore")) and _is_known(
        optimizer
    ):
        if optimizer != "adamw_torch_fused":  # the library's own default
            substitute("place", f"optim={optimizer!r} becomes adamw_torch")
        arguments.optim = "adamw_torch"


def _is_known(optimizer: str) -> bool:
    from transformers.training_args import OptimizerNames

    return optimizer in {item.value for item in OptimizerNames}


def _check(arguments: Any) -> None:
    """Check what is taken out as far as that works without a GPU."""
    config = getattr(arguments, "deepspeed", None)
    if isinstance(config, str):
        if not os.path.exists(config):
            finding("deepspeed-config", "error", f"deepspeed={config!r}: no such file", "give the path of the JSON file")
            return
        try:
            with open(config, encoding="utf-8") as file:
                json.load(file)
        except ValueError as err:
            finding("deepspeed-config", "error", f"deepspeed={config!r} is not valid JSON: {err}", "correct the file")


def _report_to_nothing(arguments: Any) -> None:
    trackers = arguments.report_to
    listed = [trackers] if isinstance(trackers, str) else list(trackers or [])
    if any(name not in ("none", "all") for name in listed):
        substitute("world", f"nothing is tracked (report_to={', '.join(listed)})")
    arguments.report_to = "none"
