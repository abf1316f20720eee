"""How far a long scan is, on one line of a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time

_WIDTH = 78
_EVERY_S = 0.5


class Progress:
    """Call it with a share from 0 to 1, or below 0 when nobody knows; use it as a context so that the line is cleared."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._told = time.monotonic()
        self._shown = False

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._told < _EVERY_S or sys.stderr is None or not sys.stderr.isatty():
            return
        self._told, self._shown = now, True
        sys.stderr.write("\r" + _line(self._what, share, now - self._began).ljust(_WIDTH)[:_WIDTH])
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
            sys.stderr.flush()


def _line(what: str, share: float, passed_s: float) -> str:
    if share <= 0:
        return f"{what}: {passed_s:.0f} s"
    left_s = passed_s * (1 - share) / share
    return f"{what}: {share:.0%}, {passed_s:.0f} s, about {left_s:.0f} s to go"
