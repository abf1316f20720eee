"""Runs a vendor's command-line tool: never waits for long, never fails louder than None."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ml_intern_helpers.core.text import clean

#: `nvidia-smi` takes a second per card without persistence mode; one that hangs on a lost card must not take us along.
LIMIT_S = 5.0


@dataclass(frozen=True)
class ToolAnswer:
    """What a tool printed; `code` is None when it was stopped because it did not end."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    def complaint(self) -> str:
        """Its first line of trouble, for a note."""
        if self.code is None:
            return f"did not end within {LIMIT_S:.0f} s"
        lines = [line for line in (self.stderr + "\n" + self.stdout).splitlines() if line.strip()]
        return clean(lines[0], limit=160) if lines else f"ended with code {self.code} and no word"


Run = Callable[..., ToolAnswer | None]


def run_tool(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer | None:
    """Run `name` from PATH or from the folders `also_in`; None when it is in none of them or cannot be started."""
    path = shutil.which(name) or next((f"{folder}/{name}" for folder in also_in if Path(folder, name).is_file()), None)
    if path is None:
        return None
    try:
        # Its own output is read to the end by the kernel's pipe; a grandchild holding the pipe open must not block us.
        process = subprocess.Popen(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        _stop(process)
        return ToolAnswer(None, "", "")
    return ToolAnswer(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the tool and what it started. One stuck in the kernel cannot be ended; it is not waited for."""
    import os
    import signal
    from contextlib import suppress

    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
