"""PreCompact hook: writes the state of an open task to `.ml-intern/state.md` before the client compacts the conversation."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ml_intern_helpers.guard.event import data_folder_with, folders_of


def answer(event: dict[str, Any]) -> None:
    """Write the state of the open task; nothing without one."""
    folder = data_folder_with(folders_of(event), "task.json")
    if folder is None:
        return
    from pathlib import Path

    from ml_intern_helpers.core.paths import write_atomic
    from ml_intern_helpers.guard.open_work import state_screen

    state = state_screen(folder, event)
    if state:
        with suppress(OSError):
            write_atomic(Path(folder) / "state.md", f"{state}\n".encode("utf-8", "replace"))
