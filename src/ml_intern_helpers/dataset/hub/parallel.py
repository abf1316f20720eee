"""Runs requests in parallel without waiting for a service that does not respond."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ml_intern_helpers.core.errors import Unavailable

#: Seconds after which a service that has answered none of its calls counts as unreachable.
FIRST_SIGN_S = 2.0
#: Seconds to wait for a service that has answered an earlier request.
KNOWN_ALIVE_S = 8.0
#: Seconds that all calls together may take, even if their services respond.
PATIENCE_S = 15.0

Key = tuple[str, str]


def run_side_by_side(calls: Mapping[Key, Callable[[], Any]], first_sign_s: float = FIRST_SIGN_S) -> dict[Key, Any]:
    """(service, name) -> the call's value, or the exception it raised (`Unavailable` when waiting for it was given up).

    The threads are daemons, so that a call to an unreachable service does not keep the process from ending.
    """
    done: dict[Key, Any] = {}
    change = threading.Condition()

    def run(key: Key, call: Callable[[], Any]) -> None:
        try:
            value = call()
        except Exception as err:  # returned to the caller
            value = err
        with change:
            done[key] = value
            change.notify_all()

    started = time.monotonic()
    for key, call in calls.items():
        threading.Thread(target=run, args=(key, call), daemon=True).start()
    with change:
        while len(done) < len(calls) and (passed := time.monotonic() - started) <= PATIENCE_S:
            alive = {service for service, _ in done}
            if passed > first_sign_s and all(service not in alive for service, name in calls if (service, name) not in done):
                break
            change.wait(0.05)
        answers = dict(done)
    for service, name in calls:
        message = f"{service} gave no usable answer within {first_sign_s:.0f} s"
        answers.setdefault((service, name), Unavailable(message, hint="ask again later"))
    return {key: answers[key] for key in calls}
