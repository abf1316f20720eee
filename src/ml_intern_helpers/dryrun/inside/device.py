"""Lets a script for GPUs run on the CPU.

The script sees a GPU where it asks for one, so that its own GPU branch is what is tried. The libraries see none.
"""

from __future__ import annotations

import types
from typing import Any

from ml_intern_helpers.dryrun.inside.events import called_by_script, substitute

_ACCELERATORS = ("cuda", "mps", "xpu", "npu")
_NOTHING = (
    "synchronize", "empty_cache", "set_device", "reset_peak_memory_stats", "reset_max_memory_allocated", "manual_seed",
    "manual_seed_all", "ipc_collect", "set_per_process_memory_fraction", "init",
)  # fmt: skip
_ZERO = ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved", "current_device")


def patch(torch: Any) -> None:
    _patch_moves(torch)
    _patch_factories(torch)
    _patch_questions(torch)
    torch.compile = _not_compiled


def _not_compiled(model: Any = None, *args: Any, **kwargs: Any) -> Any:
    substitute("place", "torch.compile is left out")
    return (lambda function: function) if model is None else model


def _to_cpu(device: Any) -> Any:
    """The CPU in place of an accelerator; anything else as it is."""
    if type(device).__name__ == "device":
        name = device.type
    elif isinstance(device, str):
        name = device.partition(":")[0]
    else:
        return device
    if name not in _ACCELERATORS:
        return device
    substitute("place", f"{name} becomes cpu")
    return "cpu"


def _patch_moves(torch: Any) -> None:
    for owner in (torch.nn.Module, torch.Tensor):
        original = owner.to

        def to(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            moved = ["cpu" if isinstance(arg, int) and not isinstance(arg, bool) else _to_cpu(arg) for arg in args]
            return _original(self, *moved, **{name: _to_cpu(value) for name, value in kwargs.items()})

        owner.to = to
        owner.cuda = lambda self, *args, **kwargs: self
    torch.Tensor.pin_memory = lambda self, *args, **kwargs: self


def _patch_factories(torch: Any) -> None:
    from torch.utils._device import _device_constructors

    # `with torch.device("meta")` knows the factories by identity, from a list made at its first use. Made after this patch, the
    # list would hold the wrappers, and models would be built from uninitialised memory.
    _device_constructors()
    for name in ("tensor", "zeros", "ones", "empty", "full", "rand", "randn", "randint", "arange", "linspace", "eye", "as_tensor",
                 "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randperm"):  # fmt: skip
        original = getattr(torch, name)

        def factory(*args: Any, _original: Any = original, **kwargs: Any) -> Any:
            if kwargs.get("device") is not None:
                kwargs["device"] = _to_cpu(kwargs["device"])
            return _original(*args, **kwargs)

        setattr(torch, name, factory)
    load = torch.load

    def load_on_cpu(*args: Any, **kwargs: Any) -> Any:
        kwargs["map_location"] = _to_cpu(kwargs.get("map_location")) or "cpu"
        return load(*args, **kwargs)

    torch.load = load_on_cpu


def _patch_questions(torch: Any) -> None:
    """`torch.cuda`: true and plausible for the script, false for the libraries."""
    cuda = torch.cuda
    for name in _NOTHING:
        if hasattr(cuda, name):
            setattr(cuda, name, lambda *args, **kwargs: None)
    for name in _ZERO:
        setattr(cuda, name, lambda *args, **kwargs: 0)
    properties = types.SimpleNamespace(
        name="dry run", major=8, minor=0, total_memory=24 * 2**30, multi_processor_count=80, gcnArchName=""
    )
    answers: dict[str, Any] = {
        "is_available": True,
        "is_bf16_supported": True,
        "device_count": 1,
        "get_device_name": "dry run",
        "get_device_capability": (8, 0),
        "get_device_properties": properties,
        "mem_get_info": (20 * 2**30, 24 * 2**30),
    }
    for name, answer in answers.items():
        _answer_script(cuda, name, answer)
    _answer_script(torch.accelerator, "is_available", True)
    _answer_script(torch.accelerator, "current_accelerator", torch.device("cpu"))


def _answer_script(owner: Any, name: str, answer: Any) -> None:
    original = getattr(owner, name, None)

    def ask(*args: Any, **kwargs: Any) -> Any:
        if called_by_script():
            substitute("place", "the script is told that there is a GPU")
            return answer
        return original(*args, **kwargs) if original is not None else answer

    setattr(owner, name, ask)
