"""Every way of looking for a GPU, in order, and one answer."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from ml_intern_helpers.compute import amd, apple, nvidia_smi, nvml, visible
from ml_intern_helpers.compute.model import Gpu, Search
from ml_intern_helpers.compute.tools import Run, run_tool

NVIDIA_VENDOR = "0x10de"
DISPLAY_CLASSES = ("0x0300", "0x0302")


def find(environment: Mapping[str, str] = os.environ, run: Run = run_tool, root: Path = Path("/")) -> Search:
    """All GPUs of this machine, with those marked that this process could not use."""
    if sys.platform == "darwin":
        return apple.find(platform.machine(), platform.mac_ver()[0], run) or Search()
    nvidia = nvml.find() or nvidia_smi.find(run) or _driverless(root)
    other = amd.find(run, root)
    gpus, hidden = visible.apply(nvidia.gpus + (other.gpus if other else []), environment)
    notes = nvidia.notes + (other.notes if other else []) + hidden + _mig_note(gpus)
    source = "+".join(search.source for search in (nvidia, other) if search and search.source)
    return Search(gpus, source or None, nvidia.driver_version, nvidia.cuda_version, notes)


def _driverless(root: Path) -> Search:
    """An NVIDIA card on the bus without a driver to use it: worth more to the user than "no GPU"."""
    cards = 0
    for device in (root / "sys/bus/pci/devices").glob("*"):
        vendor, kind = (_read(device / name) for name in ("vendor", "class"))
        cards += vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASSES)
    told = (
        f"NVIDIA: {cards} card(s) on the bus and no driver that can be used: install it, or start the container with --gpus all"
    )
    return Search(notes=[told] if cards else [])


def _mig_note(gpus: list[Gpu]) -> list[str]:
    instances = [gpu for gpu in gpus if gpu.mig and gpu.usable]
    if len(instances) < 2:
        return []
    return ["a CUDA process uses one MIG instance at a time: choose it with CUDA_VISIBLE_DEVICES=<its uuid>"]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
