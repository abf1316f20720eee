"""Apple silicon: one GPU that shares the system's memory, used through MPS."""

from __future__ import annotations

import re
from dataclasses import replace

from ml_intern_helpers.compute.model import Gpu, Search
from ml_intern_helpers.compute.tools import Run, run_tool
from ml_intern_helpers.core.text import clean

#: PyTorch takes bfloat16 on MPS from this release of macOS on, in software on chips without it.
BF16_MACOS = 14
NOTE = "shared with the system; macOS lets the GPU have about two thirds to three quarters of it"


def find(machine: str, macos: str, run: Run = run_tool) -> Search | None:
    """The GPU of a Mac.

    Args:
        machine: what Python was built for, `arm64` or `x86_64`.
        macos: the release, `14.5`.
    """
    if _sysctl(run, "hw.optional.arm64") != "1":
        return Search(notes=["Mac with an Intel processor: PyTorch has no GPU support there any more"])
    total = _sysctl(run, "hw.memsize")
    release = int(macos.split(".")[0]) if macos.split(".")[0].isdecimal() else 0
    gpu = Gpu(
        0,
        clean(_sysctl(run, "machdep.cpu.brand_string")) or "Apple silicon",
        "apple",
        "mps",
        int(total) if total.isdecimal() and int(total) else None,
        available_bytes(run),
        release >= BF16_MACOS if release else None,
        f"macOS {macos}: PyTorch takes bfloat16 on MPS from {BF16_MACOS} on" if release else "the macOS release is not known",
        memory_note=NOTE,
        unified_memory=True,
        architecture="apple silicon",
    )
    if machine != "arm64":  # PyTorch has no wheels for it since 2.3, and MPS is out of reach under translation
        reason = "this Python is built for x86_64 and runs translated (Rosetta): install an arm64 Python"
        gpu = replace(gpu, usable=False, unusable_reason=reason)
    return Search([gpu], "sysctl")


def available_bytes(run: Run = run_tool) -> int | None:
    """Memory that can be had without swapping: free and inactive pages, from `vm_stat`."""
    answer = run("vm_stat")
    text = answer.stdout if answer is not None and answer.ok else ""
    size = re.search(r"page size of (\d+) bytes", text)
    pages = dict(re.findall(r"^Pages (free|inactive|speculative):\s+(\d+)\.", text, re.MULTILINE))
    return int(size[1]) * sum(map(int, pages.values())) if size and pages else None


def _sysctl(run: Run, name: str) -> str:
    answer = run("sysctl", "-n", name, also_in=("/usr/sbin",))
    return answer.stdout.strip() if answer is not None and answer.ok else ""
