"""Limits the processor time of a check, so that a hostile script cannot keep it busy."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    import argparse

#: Processor time for reading and checking a script, out of the 2 s that an answer may take; 300 lines need about 0.1 s.
MOST_CPU_S = 1.4

#: A command's `run(args, context)`.
Run = Callable[["argparse.Namespace", Any], Report]


def bounded(run: Run) -> Run:
    """`run` with at most MOST_CPU_S of processor time; beyond it `Unavailable`.

    The limit is on processor time, so that a script gets the same answer on a busy machine. The steps counted by `Script.spend`
    limit only the loops that call it.
    """

    @wraps(run)
    def within(args: argparse.Namespace, context: Any) -> Report:
        try:
            before = signal.signal(signal.SIGPROF, _giving_up(args))
        except (AttributeError, ValueError):
            return run(args, context)  # Windows, or not the main thread: only the counted steps limit it
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU_S)
        try:
            return run(args, context)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before or signal.SIG_DFL)

    return within


@contextmanager
def off_the_clock() -> Iterator[None]:
    """Exclude time that the script does not cause, such as building the index of a release (5 s for transformers, once)."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    remaining_s, _ = signal.setitimer(signal.ITIMER_PROF, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, remaining_s)


def _giving_up(args: argparse.Namespace) -> Callable[[int, FrameType | None], None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        name = clean(str(args.path or "the script"), limit=300)
        message = f"{name} is too large to judge: given up after {MOST_CPU_S:g} s of processor time"
        raise Unavailable(message, hint="check the part that trains by itself")

    return stop
