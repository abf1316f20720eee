"""Requests side by side, without waiting for a service that shows no sign of life."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ml_intern_helpers.core.errors import Unavailable

#: A service none of whose calls has ended after this counts as dead.
FIRST_SIGN_S = 2.0
#: One that has answered before may think longer about the next question.
KNOWN_ALIVE_S = 8.0
#: A service that lives may take this long in all.
PATIENCE_S = 15.0


class SideBySide:
    """Calls that run at once, in groups: one group per service.

    The threads are daemons: what is still waiting for a dead service does not keep the process from ending.
    """

    def __init__(self, calls: Mapping[tuple[str, str], Callable[[], Any]], first_sign_s: float = FIRST_SIGN_S) -> None:
        self._calls = calls
        self._first_sign_s = first_sign_s
        self._done: dict[tuple[str, str], Any] = {}
        self._change = threading.Condition()

    def run(self) -> dict[tuple[str, str], Any]:
        """(service, name) -> the call's value, or the exception it raised (`Unavailable` when it was not waited for)."""
        began = time.monotonic()
        for key, call in self._calls.items():
            threading.Thread(target=self._one, args=(key, call), daemon=True).start()
        with self._change:
            while self._waiting(time.monotonic() - began):
                self._change.wait(0.05)
            return {key: self._done.get(key, _given_up(key[0], self._first_sign_s)) for key in self._calls}

    def _one(self, key: tuple[str, str], call: Callable[[], Any]) -> None:
        try:
            value = call()
        except Exception as err:  # handed to whoever asked
            value = err
        with self._change:
            self._done[key] = value
            self._change.notify_all()

    def _waiting(self, passed_s: float) -> bool:
        """Whether a call is still worth waiting for."""
        if passed_s > PATIENCE_S:
            return False
        alive = {service for service, _ in self._done}
        return any(key not in self._done and (passed_s <= self._first_sign_s or key[0] in alive) for key in self._calls)


def _given_up(service: str, waited_s: float) -> Unavailable:
    return Unavailable(f"{service} gave no usable answer within {waited_s:.0f} s", hint="ask again later")
