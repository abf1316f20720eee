"""Reads what the client sends: the folders that an event names, and a finished tool call with its output and exit code.

It is loaded after every command of a session, so it imports only the standard library.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

#: Characters kept of an output: its beginning, which names the job, and its end, with the newest steps and the error.
_HEAD, _TAIL = 64 * 1024, 1024 * 1024
_EXIT = re.compile(r"Exit code (\d{1,3})\b")
_FOLDER = ".ml-intern"
_END_BYTES = 512 * 1024
_ENDED = re.compile(r"\[exited with code (-?\d{1,3})\]\s*\Z")


class Call(NamedTuple):
    """A finished call.

    Attributes:
        tool: `Bash` or `Read`.
        id, session: the client's names for the call and its session.
        command: of Bash; "" for Read.
        path: of Read; "" for Bash.
        output: the printed text or the content of the file; the middle of a very long one is left out.
        exit_code: 0 for a call that succeeded, None where it continues in the background or the code is unknown.
        background: the client's name of the task that continues in the background, else "".
        interrupted: whether a person stopped it.
    """

    tool: str
    id: str
    session: str
    command: str
    path: str
    output: str
    exit_code: int | None
    background: str
    interrupted: bool

    @property
    def failed(self) -> bool:
        return self.exit_code is not None and self.exit_code != 0

    @property
    def cut_off(self) -> bool:
        """The client ended it at its own time limit; a job that it had submitted is still running."""
        return self.failed and "Command timed out after" in self.output[:200]


def call_of(event: dict[str, Any]) -> Call | None:
    """The call of a PostToolUse or PostToolUseFailure event; None for another event and for other tools than Bash and Read."""
    tool, tool_input = event.get("tool_name"), event.get("tool_input")
    if tool not in ("Bash", "Read") or not isinstance(tool_input, dict):
        return None
    response = event.get("tool_response")
    response = response if isinstance(response, dict) else {}
    code: int | None = 0
    if tool == "Read":
        file = response.get("file")
        output = _text(file, "content") if isinstance(file, dict) else ""
        code = ended_with(output)
    elif event.get("hook_event_name") == "PostToolUseFailure":
        error = _text(event, "error")
        exit_line = _EXIT.match(error)
        output, code = (error[exit_line.end() :], int(exit_line[1])) if exit_line else (error, 1)
    else:
        output = "\n".join(filter(None, (_text(response, "stdout"), _text(response, "stderr"))))
    background = _text(response, "backgroundTaskId")
    return Call(
        tool=tool,
        id=_text(event, "tool_use_id"),
        session=_text(event, "session_id"),
        command=_text(tool_input, "command"),
        path=_text(tool_input, "file_path"),
        output=output if len(output) <= _HEAD + _TAIL else f"{output[:_HEAD]}\n[…]\n{output[-_TAIL:]}",
        exit_code=None if background else code,
        background=background,
        interrupted=bool(response.get("interrupted") or event.get("is_interrupt")),
    )


def ended_with(output: str) -> int | None:
    """The exit code that the client appends to the output of a background task when it ends; None without one."""
    match = _ENDED.search(output[-200:])
    return int(match[1]) if match else None


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def folders_of(event: dict[str, object]) -> list[str]:
    """The folders that an event names: its working folder, then the project's (a `cd` may have changed the first)."""
    named = [event.get("cwd"), os.environ.get("CLAUDE_PROJECT_DIR")]
    folders = [folder for folder in named if isinstance(folder, str) and os.path.isabs(folder) and "\0" not in folder]
    return list(dict.fromkeys(folders))


def data_folder_with(folders: list[str], name: str) -> str | None:
    """The nearest `.ml-intern` that has a file `name`, from each folder up to the root of its repository; None without one."""
    for start in folders:
        above = [os.path.realpath(start)]
        while not os.path.lexists(os.path.join(above[-1], ".git")):
            parent = os.path.dirname(above[-1])
            if parent == above[-1]:  # no repository: nothing above the folder counts, as in `runs.project_files`
                above = above[:1]
                break
            above.append(parent)
        for folder in above:
            if os.path.isfile(os.path.join(folder, _FOLDER, name)):
                return os.path.join(folder, _FOLDER)
    return None


def names_call(folder: str | None, name: str, call: str) -> bool:
    """Whether the newest entries of the file `name` in `folder` (its last _END_BYTES) mention the id `call`."""
    if folder is None or not call:
        return False
    try:
        with open(os.path.join(folder, name), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            return call.encode("utf-8", "replace") in file.read(_END_BYTES)
    except OSError:
        return False
