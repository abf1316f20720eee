"""What is known of a GPU, and of the search for one. Unknown is None with a reason next to it, never a zero."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Gpu:
    """One device a training process could use.

    Attributes:
        index: number in the order of the driver's tools (`nvidia-smi`), from 0; a MIG instance has its card's.
        backend: what PyTorch calls it: `cuda`, `rocm` (which it also spells "cuda") or `mps`.
        memory_total_bytes, memory_free_bytes: of the device; None when the driver does not say, see `memory_note`.
        unified_memory: the device shares the system's memory, so `memory_free_bytes` is what the system has left.
        compute_capability: NVIDIA's `major.minor`.
        architecture: AMD's target (`gfx942`) or Apple's chip.
        bf16: whether the hardware (on Apple: the system) does bfloat16; `bf16_basis` says how that is known.
        mig: a MIG instance's profile (`1g.10gb`), or `on` for a card in MIG mode without any instance.
        usable: whether a training process started now could use it; `unusable_reason` says why not.
    """

    index: int
    name: str
    vendor: Literal["nvidia", "amd", "apple"]
    backend: Literal["cuda", "rocm", "mps"]
    memory_total_bytes: int | None
    memory_free_bytes: int | None
    bf16: bool | None
    bf16_basis: str
    memory_note: str | None = None
    unified_memory: bool = False
    compute_capability: str | None = None
    architecture: str | None = None
    uuid: str | None = None
    mig: str | None = None
    usable: bool = True
    unusable_reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Search:
    """What one way of looking found.

    Attributes:
        gpus: every device seen, usable or not.
        source: who told: `nvml`, `nvidia-smi`, `sysfs`, `rocm-smi`, `amd-smi` or `sysctl`.
        driver_version: the driver's own, or None.
        cuda_version: the newest CUDA that the driver supports, as `12.4`; says nothing of an installed toolkit.
        notes: one line each: why there is none, why one cannot be used, what a figure leaves out.
    """

    gpus: list[Gpu] = field(default_factory=list)
    source: str | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    notes: list[str] = field(default_factory=list)


def nvidia_bf16(compute_capability: str | None) -> tuple[bool | None, str]:
    """bfloat16 came with Ampere, compute capability 8.0; returns the verdict and its basis."""
    if compute_capability is None:
        return None, "the driver does not tell the compute capability"
    has = tuple(int(part) for part in compute_capability.split(".")) >= (8, 0)
    return has, f"compute capability {compute_capability} is {'8.0 or above' if has else 'below 8.0'}"
