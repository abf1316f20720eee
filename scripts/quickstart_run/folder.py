"""Creates the folder of one run, `OUT/run-N`, and removes it again when the run fails."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

UNFINISHED = ".unfinished"


class Failure(Exception):
    """A failed quickstart: one line that says what failed and where, and one with the next step.

    Args:
        message: what went wrong.
        hint: what to do next, or None when the failed command has already said so.
        code: the exit code (1 a step failed, 2 wrong usage, 3 a step is impossible on this machine).
        log: the output of the failed program, which is kept in a file.
    """

    def __init__(self, message: str, hint: str | None, *, code: int = 1, log: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.log = log


@dataclass(frozen=True)
class RunFolder:
    """The paths that a run writes.

    Attributes:
        path: `OUT/run-N`, absolute.
        out: the folder of all runs.
        made_out: whether this run created `out` and may remove it when it is empty.
    """

    path: Path
    out: Path
    made_out: bool

    @property
    def base(self) -> Path:
        """The tiny model before training."""
        return self.path / "tiny-model"

    @property
    def model(self) -> Path:
        """The trained model, with its checkpoints."""
        return self.path / "model"

    @property
    def data(self) -> Path:
        return self.path / "train.jsonl"

    @property
    def script(self) -> Path:
        return self.path / "train.py"

    @property
    def log(self) -> Path:
        return self.path / "train.log"

    @property
    def tracking(self) -> Path:
        """Trackio's folder: one SQLite file per project."""
        return self.path / "trackio"

    @property
    def curve(self) -> Path:
        return self.path / "loss.png"

    @property
    def report(self) -> Path:
        return self.path / "report.md"

    @property
    def scratch(self) -> Path:
        """Caches of this run, removed at its end."""
        return self.path / ".cache"

    def finish(self) -> None:
        """Mark the run as finished and remove its caches."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        (self.path / UNFINISHED).unlink()

    def discard(self, log: str = "") -> Path | None:
        """Remove the run; keep `log` as `OUT/failed.log` and return its path when there is any."""
        shutil.rmtree(self.path, ignore_errors=True)
        kept = self.out / "failed.log"
        if log:
            kept.unlink(missing_ok=True)  # otherwise a link of that name would have its target overwritten
            kept.write_text(log, encoding="utf-8")
        elif self.made_out and not any(self.out.iterdir()):
            self.out.rmdir()
        return kept if log else None


def reserve(out: Path) -> RunFolder:
    """Create the next free `run-N` under `out`; unfinished folders of killed runs are removed first."""
    made_out = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        _sweep(out)
        path = _next(out)
        (path / UNFINISHED).write_text(str(os.getpid()), encoding="ascii")
    except FileExistsError as err:
        raise Failure(f"{out} is a file, not a folder", "name another folder with --out DIR", code=2) from err
    except OSError as err:
        reason = err.strerror or str(err)
        raise Failure(f"cannot write to {out}: {reason}", "name a folder you may write to with --out DIR", code=2) from err
    return RunFolder(path, out, made_out)


def _next(out: Path) -> Path:
    number = 1
    while True:
        path = out / f"run-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1  # an earlier run, or one that another process just took
        else:
            return path


def _sweep(out: Path) -> None:
    for mark in out.glob(f"run-*/{UNFINISHED}"):
        if not _alive(mark):
            shutil.rmtree(mark.parent, ignore_errors=True)


def _alive(mark: Path) -> bool:
    try:
        os.kill(int(mark.read_text(encoding="ascii")), 0)
    except PermissionError:
        return True  # the process of another user
    except (OSError, ValueError):
        return False
    return True
