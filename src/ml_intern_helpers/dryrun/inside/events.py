"""Writes what the dry run sees as JSON lines, at once, so that nothing is lost when the process is killed."""

from __future__ import annotations

import json
import os
import sys
import traceback
from types import FrameType
from typing import Any, ClassVar

#: The folder of this code, whose frames are not the script's.
OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))
#: Modules whose functions hand a call on: what is raised there is raised by what they call.
_HANDING_ON = ("files.py", "device.py", "data.py", "world.py", "own_loop.py")


class Run:
    """The dry run of this process.

    Attributes:
        script: the script's path, in the scratch copy.
        work: the scratch copy of the script's folder; the process works in it.
        scratch: the folder of everything this run may write.
        seen: what `once` has written.
        saved: folder -> class of the model that the script saved there.
        ladder: model -> how far it was shrunk (`model.shrink`).
        folder: the user's working folder.
    """

    script = ""
    work = ""
    scratch = ""
    events = ""
    steps = 3
    rows = 200
    seen: ClassVar[set[str]] = set()
    saved: ClassVar[dict[str, str]] = {}
    ladder: ClassVar[dict[str, int]] = {}
    folder = ""

    @classmethod
    def real(cls, path: str) -> str:
        """The user's path of a file in the scratch copy."""
        return os.path.join(cls.folder, os.path.relpath(path, cls.work))


def emit(kind: str, **fields: Any) -> None:
    """Write one event; values that JSON does not have become text."""
    line = json.dumps({"kind": kind, **fields}, default=str)
    with open(Run.events, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def once(kind: str, **fields: Any) -> None:
    """Write an event unless the same one was written before."""
    key = json.dumps([kind, fields], sort_keys=True, default=str)
    if key not in Run.seen:
        Run.seen.add(key)
        emit(kind, **fields)


def substitute(part: str, what: str) -> None:
    """Report a substitution: `part` is model, data, time, place or world."""
    once("substitution", part=part, what=what)


def finding(code: str, severity: str, message: str, fix: str | None = None, **fields: Any) -> None:
    """Report a problem that raises no exception, with the line of the script that is running."""
    fields.setdefault("line", script_line())
    once("finding", code=code, severity=severity, message=message, fix=fix, **fields)


def is_scripts(path: str) -> bool:
    """Whether a file belongs to the script: itself, or a module beside it."""
    return os.path.abspath(path).startswith(Run.work + os.sep)


def script_line(frame: FrameType | None = None) -> int | None:
    """The line of the script's main file that is running now."""
    frame = frame or sys._getframe(1)
    while frame is not None:
        if os.path.abspath(frame.f_code.co_filename) == Run.script:
            return frame.f_lineno
        frame = frame.f_back
    return None


def called_by_script(depth: int = 2) -> bool:
    """Whether the function `depth` frames above this one was called from the script or a module beside it."""
    return is_scripts(sys._getframe(depth).f_code.co_filename)


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as fields: type, message, the script's line, and where in the libraries it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_scripts(frame.filename)]
    last = frames[-1] if frames else None
    line = own[-1].lineno if own and os.path.abspath(own[-1].filename) == Run.script else None
    main = [frame for frame in own if os.path.abspath(frame.filename) == Run.script]
    if isinstance(error, SyntaxError) and error.filename and is_scripts(error.filename):
        line, own = error.lineno, []
    return {
        "type": type(error).__name__,
        "message": str(error)[:2000],
        "line": line if line is not None else (main[-1].lineno if main else None),
        "file": os.path.relpath(own[-1].filename, Run.work) if own else None,
        "file_line": own[-1].lineno if own else None,
        "raised_in": f"{_module(last.filename)}:{last.lineno} {last.name}" if last else None,
        "ours": bool(last and last.filename.startswith(OWN_FOLDER) and not last.filename.endswith(_HANDING_ON)),
        "cause": str(error.__cause__ or error.__context__ or "")[:600] or None,
    }


def _module(path: str) -> str:
    """The end of a library's path: `trl/trainer/sft_trainer.py`."""
    return path.rsplit("site-packages/", 1)[-1] if "site-packages/" in path else os.path.basename(path)
