"""What the environment hides: `CUDA_VISIBLE_DEVICES` and AMD's variables decide what a training process will see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ml_intern_helpers.compute.model import Gpu
from ml_intern_helpers.core.text import clean

#: HIP reads CUDA's variable too, after its own.
VARIABLES = {"cuda": ("CUDA_VISIBLE_DEVICES",), "rocm": ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")}


def apply(gpus: list[Gpu], environment: Mapping[str, str]) -> tuple[list[Gpu], list[str]]:
    """Mark as unusable what the environment hides; also returns a note per variable that was heeded."""
    marked, notes = gpus, []
    for backend, names in VARIABLES.items():
        of_backend = [gpu for gpu in marked if gpu.backend == backend]
        name = next((name for name in names if name in environment), None)
        if not of_backend or name is None:
            continue
        value = environment[name]
        seen = selected(value, of_backend)
        reason = f"hidden by {name}={clean(value, limit=80)!r}"
        marked = [gpu if gpu.backend != backend or gpu in seen else _hidden(gpu, reason) for gpu in marked]
        notes.append(f"{name}={clean(value, limit=80)!r}: {len(seen)} of {len(of_backend)} devices visible")
        if _order_matters(of_backend, value, environment):
            notes.append(
                "CUDA numbers unlike cards fastest first, nvidia-smi by bus: set CUDA_DEVICE_ORDER=PCI_BUS_ID to be sure"
            )
    return marked, notes


def selected(value: str, gpus: list[Gpu]) -> list[Gpu]:
    """The devices that `value` names, in its order. CUDA stops reading at the first word that names none."""
    chosen: list[Gpu] = []
    for word in value.split(","):
        gpu = _named(word.strip(), gpus)
        if gpu is None:
            break
        if gpu not in chosen:
            chosen.append(gpu)
    return chosen


def _named(word: str, gpus: list[Gpu]) -> Gpu | None:
    """The device with that number, or the only one whose UUID begins so."""
    if word.isdecimal():
        return next((gpu for gpu in gpus if gpu.index == int(word)), None)
    matches = [gpu for gpu in gpus if word and gpu.uuid and gpu.uuid.lower().startswith(word.lower())]
    return matches[0] if len(matches) == 1 else None


def _hidden(gpu: Gpu, reason: str) -> Gpu:
    return replace(gpu, usable=False, unusable_reason=gpu.unusable_reason or reason)


def _order_matters(gpus: list[Gpu], value: str, environment: Mapping[str, str]) -> bool:
    by_number = any(word.strip().isdecimal() for word in value.split(","))
    ordered = environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    return gpus[0].backend == "cuda" and by_number and not ordered and len({gpu.name for gpu in gpus}) > 1
