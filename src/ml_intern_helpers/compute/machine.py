"""Describes the machine: system, and the memory, processor cores and disk that this process may use.

In a container, the limits of its cgroup count, which `/proc/meminfo` does not show.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.compute.gpu import Run, read_file, run_tool
from ml_intern_helpers.core.paths import hf_cache

PROCESS = Path("proc/self/cgroup")
MOUNT = Path("sys/fs/cgroup")
#: cgroup version 1 expresses "no limit" as a huge number; values from here on count as none.
NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class MemoryLimit:
    """The tightest memory limit of this process, and the memory that counts against it now (without the file cache)."""

    limit_bytes: int
    used_bytes: int


def describe(root: Path = Path("/"), run: Run = run_tool) -> dict[str, Any]:
    """The `machine` object of the answer; unknown figures are None."""
    system = {
        "system": platform.system(),
        "release": platform.mac_ver()[0] if sys.platform == "darwin" else platform.release(),
        "architecture": platform.machine(),
        "wsl": "microsoft" in platform.release().lower(),
        "python": platform.python_version(),
    }
    return {**system, **memory(root, run), **processors(root)}


def memory(root: Path = Path("/"), run: Run = run_tool) -> dict[str, Any]:
    """RAM in bytes, in total and available to this process, and the source of the figures."""
    total, available, basis = _host_memory(root, run)
    limit = memory_limit(root)
    if limit is not None and (total is None or limit.limit_bytes < total):
        unused = max(limit.limit_bytes - limit.used_bytes, 0)
        total, available = limit.limit_bytes, unused if available is None else min(unused, available)
        basis = "the container's limit (cgroup)"
    return {"ram_total_bytes": total, "ram_available_bytes": available, "ram_basis": basis}


def _host_memory(root: Path, run: Run) -> tuple[int | None, int | None, str]:
    if sys.platform == "darwin":
        answer = run("sysctl", "-n", "hw.memsize", also_in=("/usr/sbin",))
        total = int(answer.stdout) if answer is not None and answer.stdout.strip().isdecimal() else None
        return total, available_bytes(run), "sysctl and vm_stat"
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None, "this system does not report its memory"
    facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
    return facts.get("MemTotal"), facts.get("MemAvailable"), "/proc/meminfo"


def processors(root: Path = Path("/")) -> dict[str, Any]:
    """The number of cores this process may use, at least 1, and what limits it."""
    cores, basis = os.cpu_count(), "the machine's"
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
        if cores is None or allowed < cores:
            cores, basis = allowed, "this process's affinity"
    limit = cpu_limit(root)
    if limit is not None and (cores is None or limit < cores):
        cores, basis = max(int(limit), 1), f"the container's quota of {limit:g} (cgroup)"
    return {"cpu_cores": cores, "cpu_basis": basis}


def disk() -> dict[str, Any]:
    """The folder in which the Hub's client keeps models and datasets (it may not exist yet), and the space there."""
    path = hf_cache()
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
    except OSError as err:
        return {"hf_cache": str(path), "disk_total_bytes": None, "disk_free_bytes": None, "disk_note": str(err.strerror)}
    note = None if os.access(place, os.W_OK) else f"no permission to write to {place}"
    return {"hf_cache": str(path), "disk_total_bytes": usage.total, "disk_free_bytes": usage.free, "disk_note": note}


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """The tightest memory limit of the process's cgroup and its ancestors, which all apply; None without a limit."""
    limits = []
    for folder in _folders(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit is not None:
            used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
            # The file cache is freed on demand and does not count as used; an idle container would look full otherwise.
            facts = dict(line.split(" ", 1) for line in read_file(folder / "memory.stat").splitlines() if " " in line)
            cache = facts.get("total_inactive_file") or facts.get("inactive_file") or "0"
            limits.append(MemoryLimit(limit, max(used - (int(cache) if cache.isdecimal() else 0), 0)))
    return min(limits, key=lambda each: each.limit_bytes - each.used_bytes, default=None)


def cpu_limit(root: Path = Path("/")) -> float | None:
    """Processors' worth of time this process may use, or None without a limit."""
    limits = []
    for folder in _folders(root, "cpu"):
        quota, period = (read_file(folder / "cpu.max") or "max").partition(" ")[::2]
        if not quota.isdecimal():
            quota, period = read_file(folder / "cpu.cfs_quota_us"), read_file(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def _folders(root: Path, controller: str) -> list[Path]:
    """The folders of this process's cgroup and its ancestors (versions 1 and 2); in a container the mount is its own cgroup."""
    folders: dict[Path, None] = {}
    for line in read_file(root / PROCESS).splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            tops = [root / MOUNT, root / MOUNT / "unified"]
        elif controller in names.split(","):
            tops = [root / MOUNT / names, root / MOUNT / controller]
        else:
            continue
        own_folder = Path(path.lstrip("/"))
        for top in tops:
            folders.update(dict.fromkeys(top / part for part in (own_folder, *own_folder.parents) if ".." not in part.parts))
    return list(folders)


def _number(path: Path) -> int | None:
    text = read_file(path)
    return int(text) if text.isdecimal() and int(text) < NO_LIMIT else None


def available_bytes(run: Run = run_tool) -> int | None:
    """Memory that is available without swapping on macOS: free, inactive and speculative pages, from `vm_stat`."""
    answer = run("vm_stat")
    text = answer.stdout if answer is not None and answer.ok else ""
    size = re.search(r"page size of (\d+) bytes", text)
    pages = dict(re.findall(r"^Pages (free|inactive|speculative):\s+(\d+)\.", text, re.MULTILINE))
    return int(size[1]) * sum(map(int, pages.values())) if size and pages else None
