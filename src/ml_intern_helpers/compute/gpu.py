"""Defines a GPU and the result of a search for GPUs, and runs vendors' tools and reads the kernel's files.

An unknown value is None with a reason, never zero.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml_intern_helpers.core.text import clean

#: `nvidia-smi` takes a second per card without persistence mode, and hangs on a lost card.
LIMIT_S = 5.0


@dataclass(frozen=True)
class Gpu:
    """One device a training process could use.

    Attributes:
        index: the number that the driver's tools (`nvidia-smi`) use, from 0; a MIG instance has its card's.
        backend: what PyTorch calls it: `cuda`, `rocm` (which it also spells "cuda") or `mps`.
        memory_total_bytes, memory_free_bytes: None if the driver does not report them; `memory_note` then says why.
        unified_memory: the device shares the system's memory, so `memory_free_bytes` is what the system has left.
        compute_capability: NVIDIA's `major.minor`.
        architecture: AMD's target (`gfx942`) or Apple's chip.
        bf16: whether the hardware (on Apple: the system) supports bfloat16; `bf16_basis` says how that is known.
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
    """The result of one search.

    Attributes:
        gpus: every device found, usable or not.
        source: where they were found: `nvml`, `nvidia-smi`, `sysfs`, `rocm-smi`, `amd-smi` or `sysctl`.
        driver_version: the version of the driver, or None.
        cuda_version: the newest CUDA that the driver supports, as `12.4`; says nothing of an installed toolkit.
        notes: one line each on missing or unusable devices and incomplete figures.
    """

    gpus: list[Gpu] = field(default_factory=list)
    source: str | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ToolAnswer:
    """The output of a tool; `code` is its exit code, None if it was killed at the time limit."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    def complaint(self) -> str:
        """The first line of its error output, for a note."""
        if self.code is None:
            return f"did not end within {LIMIT_S:.0f} s"
        lines = [line for line in (self.stderr + "\n" + self.stdout).splitlines() if line.strip()]
        return clean(lines[0], limit=160) if lines else f"ended with exit code {self.code} and no message"


#: `run_tool`, or its replacement in a test.
Run = Callable[..., ToolAnswer | None]


def nvidia_bf16(compute_capability: str | None) -> tuple[bool | None, str]:
    """Whether an NVIDIA GPU supports bfloat16 (compute capability 8.0, Ampere, and above), and the basis of the answer."""
    if compute_capability is None:
        return None, "the driver does not report the compute capability"
    has = tuple(int(part) for part in compute_capability.split(".")) >= (8, 0)
    return has, f"compute capability {compute_capability} is {'8.0 or above' if has else 'below 8.0'}"


def read_file(path: Path) -> str:
    """The stripped text of a file of the kernel; "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def run_tool(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer | None:
    """Run `name` from PATH or from the folders `also_in`; None when it is in none of them or cannot be started."""
    path = shutil.which(name) or next((f"{folder}/{name}" for folder in also_in if Path(folder, name).is_file()), None)
    if path is None:
        return None
    try:
        # A session of its own, so that the tool can be killed with its children: one that keeps the pipe open would block us.
        process = subprocess.Popen(
            [path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError:
        return None
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        # Kill the tool and its children, without waiting: a process that is stuck in the kernel does not end.
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
        return ToolAnswer(None, "", "")
    return ToolAnswer(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
