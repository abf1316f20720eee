"""NVIDIA GPUs through NVML, the driver's own library (`nvidia-ml-py` provides the module `pynvml`)."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from ml_intern_helpers.compute.model import Gpu, Search, nvidia_bf16
from ml_intern_helpers.core.background import Task

LIBRARY = "libnvidia-ml.so.1"
#: Without persistence mode the first call wakes every card, about a second each.
LIMIT_S = 10.0


def find() -> Search | None:
    """What NVML tells; None when there is no NVML to ask, a note when there is one that fails or hangs."""
    if not _library_there():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    task = Task(lambda: _ask(pynvml))
    if not task.wait(LIMIT_S):
        return Search(notes=[f"NVIDIA: the driver did not answer within {LIMIT_S:.0f} s; a card may have dropped off the bus"])
    return task.outcome()


def _library_there() -> bool:
    """Asked first, because importing the bindings takes longer than the rest of the search where there is no driver."""
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _ask(nvml: Any) -> Search | None:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError_LibraryNotFound:
        return None
    except nvml.NVMLError as err:
        return Search(notes=[f"NVIDIA: the driver cannot be used: {err}"])
    try:
        gpus = [gpu for index in range(nvml.nvmlDeviceGetCount()) for gpu in _gpus(nvml, index)]
        notes = [] if gpus else ["NVIDIA: a driver is installed, but no GPU is visible to this process"]
        return Search(gpus, "nvml", _driver(nvml), _cuda(nvml), notes)
    except nvml.NVMLError as err:
        return Search(notes=[f"NVIDIA: the driver answers, but not about its GPUs: {err}"])


def _gpus(nvml: Any, index: int) -> list[Gpu]:
    """The card at `index`, or its MIG instances: in MIG mode CUDA can use those alone."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as err:
        lost = f"the driver has lost it: {err}"
        return [
            Gpu(index, f"NVIDIA GPU {index}", "nvidia", "cuda", None, None, None, lost, lost, usable=False, unusable_reason=lost)
        ]
    capability = _quiet(nvml, lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle)))
    mig_on = _quiet(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE)
    if not mig_on:
        return [_gpu(nvml, index, handle, capability)]
    instances = [_gpu(nvml, index, instance, capability, mig=True) for instance in _instances(nvml, handle)]
    return instances or [_without_instances(_gpu(nvml, index, handle, capability))]


def _gpu(nvml: Any, index: int, handle: Any, capability: str | None, *, mig: bool = False) -> Gpu:
    name = _text(_quiet(nvml, lambda: nvml.nvmlDeviceGetName(handle))) or f"NVIDIA GPU {index}"
    memory = _quiet(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    total, free = (int(memory.total), int(memory.free)) if memory is not None and memory.total else (None, None)
    bf16, basis = nvidia_bf16(capability)
    return Gpu(
        index,
        name,
        "nvidia",
        "cuda",
        total,
        free,
        bf16,
        basis,
        memory_note=None if total else UNTOLD,
        compute_capability=capability,
        uuid=_text(_quiet(nvml, lambda: nvml.nvmlDeviceGetUUID(handle))),
        mig=(name.partition(" MIG ")[2] or "instance") if mig else None,
    )


#: Jetson, GB10 and the like have no memory of their own.
UNTOLD = "the driver does not tell the memory (a device that shares the system's memory has none of its own)"


def _without_instances(card: Gpu) -> Gpu:
    from dataclasses import replace

    reason = "MIG mode is on and no instance exists: create one with `nvidia-smi mig -cgi … -C`"
    return replace(card, mig="on", usable=False, unusable_reason=reason)


def _instances(nvml: Any, handle: Any) -> list[Any]:
    """Handles of a card's MIG instances; the numbers have gaps."""
    count = _quiet(nvml, lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    found = [_quiet(nvml, lambda place=place: nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)) for place in range(count)]
    return [instance for instance in found if instance is not None]


def _driver(nvml: Any) -> str | None:
    return _text(_quiet(nvml, nvml.nvmlSystemGetDriverVersion))


def _cuda(nvml: Any) -> str | None:
    version = _quiet(nvml, nvml.nvmlSystemGetCudaDriverVersion_v2)
    return f"{version // 1000}.{version % 1000 // 10}" if version else None


def _quiet(nvml: Any, question: Any) -> Any:
    """The answer, or None: old drivers and small devices do not know every question."""
    try:
        return question()
    except (nvml.NVMLError, UnicodeDecodeError):
        return None


def _text(value: Any) -> str | None:
    from ml_intern_helpers.core.text import clean

    return clean(value) if value else None
