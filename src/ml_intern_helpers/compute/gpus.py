"""Finds the GPUs of NVIDIA, AMD and Apple, and marks those as unusable that the environment hides (`CUDA_VISIBLE_DEVICES` …)."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.compute import amd, nvidia
from ml_intern_helpers.compute.gpu import Gpu, Run, Search, read_file, run_tool
from ml_intern_helpers.compute.machine import available_bytes
from ml_intern_helpers.core.text import clean

NVIDIA_VENDOR = "0x10de"
DISPLAY_CLASSES = ("0x0300", "0x0302")
#: Variables that hide devices, in order of precedence. HIP also reads CUDA's variable.
VARIABLES = {"cuda": ("CUDA_VISIBLE_DEVICES",), "rocm": ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")}
#: The first release of macOS on which PyTorch accepts bfloat16 on MPS (emulated on chips without it).
BF16_MACOS = 14
NOTE = "shared with the system; macOS lets the GPU have about two thirds to three quarters of it"


def find(environment: Mapping[str, str] = os.environ, run: Run = run_tool, root: Path = Path("/")) -> Search:
    """All GPUs of this machine, each marked as usable by this process or not."""
    if sys.platform == "darwin":
        return find_apple(platform.machine(), platform.mac_ver()[0], run)
    nvidia_search = nvidia.find_with_nvml() or nvidia.find_with_nvidia_smi(run) or _driverless(root)
    searches = [search for search in (nvidia_search, amd.find(run, root)) if search]
    gpus, hidden = apply_visibility([gpu for search in searches for gpu in search.gpus], environment)
    notes = [note for search in searches for note in search.notes] + hidden
    if sum(bool(gpu.mig and gpu.usable) for gpu in gpus) > 1:
        notes.append("a CUDA process uses one MIG instance at a time: choose it with CUDA_VISIBLE_DEVICES=<its uuid>")
    source = "+".join(search.source for search in searches if search.source)
    return Search(gpus, source or None, nvidia_search.driver_version, nvidia_search.cuda_version, notes)


def _driverless(root: Path) -> Search:
    """A note about NVIDIA cards without a working driver, which is more helpful than "no GPU"."""
    cards = 0
    for device in (root / "sys/bus/pci/devices").glob("*"):
        vendor, kind = (read_file(device / name) for name in ("vendor", "class"))
        cards += vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASSES)
    note = f"NVIDIA: {cards} card(s) found, but no usable driver: install the driver, or start the container with --gpus all"
    return Search(notes=[note] if cards else [])


def apply_visibility(gpus: list[Gpu], environment: Mapping[str, str]) -> tuple[list[Gpu], list[str]]:
    """Mark the GPUs that the environment hides as unusable; also returns a note per variable that applies."""
    marked, notes = gpus, []
    for backend, names in VARIABLES.items():
        of_backend = [gpu for gpu in marked if gpu.backend == backend]
        name = next((name for name in names if name in environment), None)
        if not of_backend or name is None:
            continue
        value = environment[name]
        visible = selected(value, of_backend)
        reason = f"hidden by {name}={clean(value, limit=80)!r}"
        marked = [
            replace(gpu, usable=False, unusable_reason=gpu.unusable_reason or reason)
            if gpu.backend == backend and gpu not in visible
            else gpu
            for gpu in marked
        ]
        notes.append(f"{name}={clean(value, limit=80)!r}: {len(visible)} of {len(of_backend)} devices visible")
        by_number = any(word.strip().isdecimal() for word in value.split(","))
        ordered = backend != "cuda" or environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
        if by_number and not ordered and len({gpu.name for gpu in of_backend}) > 1:
            notes.append(
                "CUDA numbers unlike cards fastest first, nvidia-smi by bus: set CUDA_DEVICE_ORDER=PCI_BUS_ID to be sure"
            )
    return marked, notes


def selected(value: str, gpus: list[Gpu]) -> list[Gpu]:
    """The devices that `value` names, in its order, up to the first word that names none (as CUDA reads it)."""
    chosen: list[Gpu] = []
    for word in map(str.strip, value.split(",")):
        if word.isdecimal():
            matches = [gpu for gpu in gpus if gpu.index == int(word)][:1]
        else:  # the beginning of a UUID, when only one device has it
            matches = [gpu for gpu in gpus if word and gpu.uuid and gpu.uuid.lower().startswith(word.lower())]
        if len(matches) != 1:
            break
        if matches[0] not in chosen:
            chosen.append(matches[0])
    return chosen


def find_apple(machine: str, macos: str, run: Run = run_tool) -> Search:
    """The GPU of a Mac.

    Args:
        machine: the architecture that Python was built for, `arm64` or `x86_64`.
        macos: the release of macOS, such as `14.5`.
        run: runs a tool.
    """
    if _sysctl(run, "hw.optional.arm64") != "1":
        return Search(notes=["Mac with an Intel processor: PyTorch no longer supports its GPU"])
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
    if machine != "arm64":  # PyTorch has no wheels for x86_64 since 2.3, and MPS does not work under Rosetta
        reason = "this Python is built for x86_64 and runs translated (Rosetta): install an arm64 Python"
        gpu = replace(gpu, usable=False, unusable_reason=reason)
    return Search([gpu], "sysctl")


def _sysctl(run: Run, name: str) -> str:
    answer = run("sysctl", "-n", name, also_in=("/usr/sbin",))
    return answer.stdout.strip() if answer is not None and answer.ok else ""
