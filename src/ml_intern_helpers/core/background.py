"""Runs work that may never end (a driver, a name resolution, a silent server) in a thread that can be abandoned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Task(Generic[T]):
    """A call in a daemon thread, which does not delay the end of the process."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as err:
            self._error = err
        finally:
            self._done.set()

    def wait(self, seconds: float | None) -> bool:
        """Whether the call has ended within `seconds`."""
        return self._done.wait(seconds)

    def outcome(self) -> T:
        """The result of the call, or its exception raised; call it only after `wait` has returned True."""
        if self._error is not None:
            raise self._error
        return self._result[0]
