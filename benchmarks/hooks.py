#!/usr/bin/env python3
"""Measures the hooks that run before every Bash call of a session, started through `scripts/launch` as the client does.

    benchmarks/hooks.py [--runs N]

Each case runs N times (200), all cases side by side in one run beside a Python that does nothing, so that a busy machine slows
all alike. Wall time is what a user waits; CPU time (of the whole process tree) is what stays the same on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from guard.project import GOOD, JOB  # noqa: E402
from runs import tasks  # noqa: E402

LAUNCH = str(ROOT / "scripts/launch")
#: The design's limits, in ms of wall time on an idle machine.
NOT_ITS_BUSINESS_MS, FULL_PREFLIGHT_MS = 60, 300


@dataclass
class Case:
    """One hook call: its hook point and command, in a project with or without a task; `limit_ms` is its time limit."""

    name: str
    point: str
    command: str = ""
    task: bool = False
    script: str = GOOD
    limit_ms: float | None = None
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def prepare(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "train.py").write_text(self.script, encoding="utf-8")
        if self.task:
            tasks.on_file(folder)

    def run(self, environment: dict[str, str]) -> None:
        (self.folder / ".ml-intern/runs.jsonl").unlink(missing_ok=True)  # else each launch waits for the one before
        tool = {"tool_name": "Bash", "tool_input": {"command": self.command}, "tool_response": {"stdout": "", "stderr": ""}}
        event = {"session_id": "s", "tool_use_id": "t", "cwd": str(self.folder), "source": "startup", **tool}
        call = [LAUNCH, "guard", self.point] if self.point else [sys.executable, "-I", "-S", "-c", "pass"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(call, input=json.dumps(event).encode(), env=environment, cwd=self.folder, capture_output=True, check=True)
        self.wall_ms.append((time.perf_counter() - start) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_ms.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)


def cases() -> list[Case]:
    other, launch = NOT_ITS_BUSINESS_MS, FULL_PREFLIGHT_MS
    before, after = "pre_tool_use", "post_tool_use"
    return [
        Case("python -c pass", ""),
        Case("before `git status`", before, "git status", limit_ms=other),
        Case("before `pytest -q tests/test_x.py`", before, "pytest -q tests/test_x.py", limit_ms=other),
        Case("before `git commit -m 'python train.py'`", before, "git commit -m 'python train.py'", limit_ms=other),
        Case("before `ls; wc -l train.py` (read closely)", before, "ls; wc -l train.py"),
        Case("before a local launch, no task", before, "python train.py", limit_ms=launch),
        Case("before a job, task, passes and is on file", before, JOB, task=True, limit_ms=launch),
        Case(
            "before a job, sent back",
            before,
            JOB,
            task=True,
            script=GOOD.replace("max_length", "max_seq_length"),
            limit_ms=launch,
        ),
        Case("after `git status`", after, "git status", limit_ms=other),
        Case("stop, no task", "stop", limit_ms=other),
        Case("session start, no task", "session_start", limit_ms=other),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="how often each case runs (default 200)")
    runs = parser.parse_args().runs
    found = cases()
    with tempfile.TemporaryDirectory() as name:
        environment = {"HOME": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CLAUDE_PLUGIN_ROOT": str(ROOT)}
        for number, case in enumerate(found):
            case.prepare(Path(name) / f"project-{number}")
            case.run(environment)  # once for the file system's cache, for bytecode and for which Python was found
            case.wall_ms.clear()
            case.cpu_ms.clear()
        for _ in range(runs):
            for case in found:
                case.run(environment)
    report(found, runs)


def report(found: list[Case], runs: int) -> None:
    load = os.getloadavg()[0]
    print(f"{runs} runs each, load {load:.1f} on {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{'ms':46} {'median':>7} {'p95':>7} {'CPU median':>11} {'limit':>6}")
    for case in found:
        p95 = sorted(case.wall_ms)[int(0.95 * (len(case.wall_ms) - 1))]
        limit = f"{case.limit_ms:6.0f}" if case.limit_ms else ""
        median, cpu = statistics.median(case.wall_ms), statistics.median(case.cpu_ms)
        print(f"{case.name:46} {median:7.0f} {p95:7.0f} {cpu:11.0f} {limit}".rstrip())


if __name__ == "__main__":
    main()
