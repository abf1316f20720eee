"""Runs a helper as a user does: a process of its own, an environment of its own, nothing reachable but loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import warm

ROOT = Path(__file__).resolve().parents[2]
#: Nothing listens on the discard port of loopback: "no network" without touching one.
DEAD_URL = "http://127.0.0.1:9"
URL_VARIABLES = (
    "HF_ENDPOINT",
    "ML_INTERN_DATASET_VIEWER_URL",
    "ML_INTERN_ARXIV_URL",
    "ML_INTERN_ARXIV_HTML_URL",
    "ML_INTERN_AR5IV_URL",
    "ML_INTERN_SEMANTIC_SCHOLAR_URL",
    "ML_INTERN_OPENALEX_URL",
)


@dataclass(frozen=True)
class Outcome:
    """What a helper printed and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.stdout)
        return value


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment with an empty home in which every service is dead unless `extra` names a live one."""
    base = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ML_INTERN_CACHE": str(home / "cache")}
    return {**base, **dict.fromkeys(URL_VARIABLES, DEAD_URL), **extra}


def run_helper(command: str, *arguments: str, home: Path, cwd: Path | None = None, cold: bool = False, **extra: str) -> Outcome:
    """Run `command` as `scripts/launch` starts it: isolated, stdin closed; in a warm process unless a `cold` start is the point."""
    environment, folder = clean_environment(home, **extra), cwd or home
    if not cold:
        code, stdout, stderr = warm.run([command, *arguments], environment, folder, timeout_s=120)
        return Outcome(code, stdout.decode(), stderr.decode())
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(ROOT / "src/ml_intern_helpers/__main__.py"), command, *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
