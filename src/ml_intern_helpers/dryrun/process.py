"""Runs one program within limits of time, memory and processes, and leaves none of its processes behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_MOST_PROCESSES = 200
_INTERVAL_S = 0.1
#: The largest file that the program may write, in bytes.
_MOST_FILE_BYTES = 4_000_000_000
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


class Ended(NamedTuple):
    """How a program ended.

    Attributes:
        code: its exit code; None when it was stopped here.
        stopped: why it was stopped: `time`, `memory` or `processes`; "" when it ended by itself.
        seconds: how long it ran.
        peak_bytes: the most memory that it and its children held at a time, as far as it was seen.
    """

    code: int | None
    stopped: str
    seconds: float
    peak_bytes: int


def run(call: list[str], cwd: Path, environment: dict[str, str], output: Path, limit_s: float, limit_bytes: int) -> Ended:
    """Run `call` with its output in a file, and without input.

    Its children are stopped with it, also those that have left its session: they become children of this process.
    """
    _become_subreaper()
    before = _children()
    start, peak, stopped = time.monotonic(), 0, ""
    with output.open("wb") as file:
        process = subprocess.Popen(
            call, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_limit_files,
        )  # fmt: skip
    try:
        while process.poll() is None and not stopped:
            time.sleep(_INTERVAL_S)
            family = _family(process.pid, before)
            peak = max(peak, sum(map(_resident, family)))
            if time.monotonic() - start > limit_s:
                stopped = "time"
            elif peak > limit_bytes:
                stopped = "memory"
            elif len(family) > _MOST_PROCESSES:
                stopped = "processes"
        if stopped and hasattr(signal, "SIGUSR1"):
            with suppress(OSError):  # it writes the line where it stands
                os.kill(process.pid, signal.SIGUSR1)
            time.sleep(0.3)
    finally:
        _stop_family(process.pid, before)
        process.wait()
    return Ended(None if stopped else process.returncode, stopped, time.monotonic() - start, peak)


def _limit_files() -> None:
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE_BYTES, _MOST_FILE_BYTES))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _become_subreaper() -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _parents() -> dict[int, int]:
    """Process -> its parent, for all processes of this machine."""
    parents = {}
    if sys.platform == "linux":
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError, ValueError, IndexError):
                    state = (entry / "stat").read_text(errors="replace")
                    parents[int(entry.name)] = int(state.rpartition(")")[2].split()[1])
    else:
        listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        for line in listed.splitlines():
            pid, parent = line.split()
            parents[int(pid)] = int(parent)
    return parents


def _children() -> set[int]:
    own = os.getpid()
    return {pid for pid, parent in _parents().items() if parent == own}


def _family(root: int, before: set[int]) -> list[int]:
    """The process and its descendants, with the orphans that this process has adopted since it had the children `before`."""
    parents, own = _parents(), os.getpid()
    family = {root, *(pid for pid, parent in parents.items() if parent == own and pid not in before)}
    while new := {pid for pid, parent in parents.items() if parent in family and pid not in family}:
        family |= new
    return sorted(family)


def _resident(pid: int) -> int:
    """Resident bytes of a process, shared pages counted by their share where the system says it."""
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            return int(Path("/proc", str(pid), "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return int(shown) * 1024 if shown.isdecimal() else 0


def _stop_family(root: int, before: set[int]) -> None:
    """Stop everything: first freeze, so that nothing is started meanwhile, then kill, until nothing is left."""
    for _ in range(20):
        family = [pid for pid in _family(root, before) if _alive(pid)]
        if not family:
            return
        for wanted in (signal.SIGSTOP, signal.SIGKILL):
            for pid in family:
                with suppress(OSError):
                    os.kill(pid, wanted)
        time.sleep(0.05)
        for pid in family:
            if pid != root:
                with suppress(OSError):  # not a child of this process
                    os.waitpid(pid, os.WNOHANG)


def _alive(pid: int) -> bool:
    if sys.platform != "linux":
        return _resident(pid) > 0
    try:
        return Path("/proc", str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False
