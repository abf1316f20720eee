"""What a container may use: its cgroup's limits on memory and processors, which `/proc/meminfo` does not know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("proc/self/cgroup")
MOUNT = Path("sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryLimit:
    """The tightest limit on memory above this process, and what counts against it now (without the file cache)."""

    limit_bytes: int
    used_bytes: int


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """None without a limit. Every ancestor's limit holds, so all of them are read."""
    found = []
    for folder in _folders(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit is not None:
            used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
            found.append(MemoryLimit(limit, max(used - _reclaimable(folder), 0)))
    return min(found, key=lambda each: each.limit_bytes - each.used_bytes, default=None)


def cpu_limit(root: Path = Path("/")) -> float | None:
    """Processors' worth of time this process may use, or None without a limit."""
    found = []
    for folder in _folders(root, "cpu"):
        quota, period = (_read(folder / "cpu.max") or "max").partition(" ")[::2]
        if not quota.isdecimal():
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            found.append(int(quota) / int(period))
    return min(found, default=None)


def _folders(root: Path, controller: str) -> list[Path]:
    """This process's cgroup and its ancestors, version 2 and 1; inside a container the mount's top is the own one."""
    folders: dict[Path, None] = {}
    for line in _read(root / PROCESS).splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            tops = [root / MOUNT, root / MOUNT / "unified"]
        elif controller in names.split(","):
            tops = [root / MOUNT / names, root / MOUNT / controller]
        else:
            continue
        own = Path(path.lstrip("/"))
        for top in tops:
            folders.update(dict.fromkeys(top / part for part in (own, *own.parents) if ".." not in part.parts))
    return list(folders)


def _reclaimable(folder: Path) -> int:
    """File cache that goes away under pressure; counting it as used would call an idle container full."""
    facts = dict(line.split(" ", 1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
    text = facts.get("total_inactive_file") or facts.get("inactive_file") or "0"
    return int(text) if text.isdecimal() else 0


#: Version 1 writes "no limit" as the largest number of pages.
NO_LIMIT = 1 << 60


def _number(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text.isdecimal() and int(text) < NO_LIMIT else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
