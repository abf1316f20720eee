"""Whether the project around a folder has anything of ours on file; asked after every command, so nothing is imported for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

_FOLDER = ".ml-intern"
_END_BYTES = 512 * 1024


def places_of(event: dict[str, object]) -> list[str]:
    """The folders an event speaks of: where it happened, and the project (a command may have changed the first)."""
    found = [event.get("cwd"), os.environ.get("CLAUDE_PROJECT_DIR")]
    return list(dict.fromkeys(place for place in found if isinstance(place, str) and os.path.isabs(place) and "\0" not in place))


def holds_file(places: list[str], name: str) -> str | None:
    """The nearest `.ml-intern` that has a file `name`, from each place up to its repository's root; None without one."""
    for place in places:
        for folder in _upward(place):
            if os.path.isfile(os.path.join(folder, _FOLDER, name)):
                return os.path.join(folder, _FOLDER)
    return None


def speaks_of(folder: str | None, name: str, call: str) -> bool:
    """Whether the end of a file in `folder` names a call; what has just happened stands there."""
    if folder is None or not call:
        return False
    try:
        with open(os.path.join(folder, name), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            return call.encode("utf-8", "replace") in file.read(_END_BYTES)
    except OSError:
        return False


def _upward(place: str) -> Iterator[str]:
    """As `runs.places` goes: up to the repository's root, and nowhere where there is none."""
    above = [os.path.realpath(place)]
    while not os.path.lexists(os.path.join(above[-1], ".git")):
        parent = os.path.dirname(above[-1])
        if parent == above[-1]:
            yield above[0]
            return
        above.append(parent)
    yield from above
