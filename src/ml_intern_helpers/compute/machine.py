"""The machine around the GPU: memory, processors, disk, system. Every figure is what this process may use, and says why."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from ml_intern_helpers.compute import apple, cgroup
from ml_intern_helpers.compute.tools import Run, run_tool
from ml_intern_helpers.core.paths import hf_cache


def describe(root: Path = Path("/"), run: Run = run_tool) -> dict[str, Any]:
    """The `machine` object of the answer; unknown figures are None."""
    return {**system(), **memory(root, run), **processors(root)}


def system() -> dict[str, Any]:
    """Operating system, architecture, Python."""
    release = platform.mac_ver()[0] if sys.platform == "darwin" else platform.release()
    return {
        "system": platform.system(),
        "release": release,
        "architecture": platform.machine(),
        "wsl": "microsoft" in platform.release().lower(),
        "python": platform.python_version(),
    }


def memory(root: Path = Path("/"), run: Run = run_tool) -> dict[str, Any]:
    """RAM in bytes: total and available to this process, and what sets the bound."""
    total, available, basis = _host_memory(root, run)
    limit = cgroup.memory_limit(root)
    if limit is not None and (total is None or limit.limit_bytes < total):
        left = max(limit.limit_bytes - limit.used_bytes, 0)
        total, available = limit.limit_bytes, left if available is None else min(left, available)
        basis = "the container's limit (cgroup)"
    return {"ram_total_bytes": total, "ram_available_bytes": available, "ram_basis": basis}


def _host_memory(root: Path, run: Run) -> tuple[int | None, int | None, str]:
    if sys.platform == "darwin":
        answer = run("sysctl", "-n", "hw.memsize", also_in=("/usr/sbin",))
        total = int(answer.stdout) if answer is not None and answer.stdout.strip().isdecimal() else None
        return total, apple.available_bytes(run), "sysctl and vm_stat"
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None, "this system does not tell its memory"
    facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
    return facts.get("MemTotal"), facts.get("MemAvailable"), "/proc/meminfo"


def processors(root: Path = Path("/")) -> dict[str, Any]:
    """Cores this process may use, at least 1, and what sets the bound."""
    cores, basis = os.cpu_count(), "the machine's"
    if hasattr(os, "sched_getaffinity"):
        own = len(os.sched_getaffinity(0))
        if cores is None or own < cores:
            cores, basis = own, "this process's affinity"
    limit = cgroup.cpu_limit(root)
    if limit is not None and (cores is None or limit < cores):
        cores, basis = max(int(limit), 1), f"the container's quota of {limit:g} (cgroup)"
    return {"cpu_cores": cores, "cpu_basis": basis}


def disk() -> dict[str, Any]:
    """Where the Hub's client keeps models and datasets, and the space there; the folder itself may not exist yet."""
    path = hf_cache()
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
    except OSError as err:
        return {"hf_cache": str(path), "disk_total_bytes": None, "disk_free_bytes": None, "disk_note": str(err.strerror)}
    note = None if os.access(place, os.W_OK) else f"no right to write to {place}"
    return {"hf_cache": str(path), "disk_total_bytes": usage.total, "disk_free_bytes": usage.free, "disk_note": note}
