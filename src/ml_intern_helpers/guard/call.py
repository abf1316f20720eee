"""A finished tool call as the client tells of it: what was asked, what came back, how it ended."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

#: Kept of an output: the beginning, where a job's id stands, and the end, where the newest steps and the error are.
_HEAD, _TAIL = 64 * 1024, 1024 * 1024
_EXIT = re.compile(r"Exit code (\d{1,3})\b")
_ENDED = re.compile(r"\[exited with code (-?\d{1,3})\]\s*\Z")


class Call(NamedTuple):
    """A finished call.

    Attributes:
        tool: `Bash` or `Read`.
        id, session: the client's names for the call and its session.
        command: of Bash; "" for Read.
        path: of Read; "" for Bash.
        output: what it printed, or what stands in the file; the middle of a very long one is left out.
        exit_code: 0 for a call that went well, None where nothing has ended (in the background) or nothing is known.
        background: the client's name of the task when it goes on in the background, else "".
        interrupted: a person stopped it.
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
        """The client ended it at its own time limit; a job that it had submitted goes on."""
        return self.failed and "Command timed out after" in self.output[:200]


def call_of(event: dict[str, Any]) -> Call | None:
    """The call of a PostToolUse or PostToolUseFailure event; None for other tools and for what is no such event."""
    asked = event.get("tool_input")
    if event.get("tool_name") not in ("Bash", "Read") or not isinstance(asked, dict):
        return None
    answer = event.get("tool_response")
    answer = answer if isinstance(answer, dict) else {}
    output, code = _of_file(answer) if event["tool_name"] == "Read" else _of_command(event, answer)
    background = _text(answer, "backgroundTaskId")
    return Call(
        tool=event["tool_name"],
        id=_text(event, "tool_use_id"),
        session=_text(event, "session_id"),
        command=_text(asked, "command"),
        path=_text(asked, "file_path"),
        output=_bounded(output),
        exit_code=None if background else code,
        background=background,
        interrupted=bool(answer.get("interrupted") or event.get("is_interrupt")),
    )


def ended_with(output: str) -> int | None:
    """The exit code that the client writes under the output of a background task when it ends."""
    found = _ENDED.search(output[-200:])
    return int(found[1]) if found else None


def _of_command(event: dict[str, Any], answer: dict[str, Any]) -> tuple[str, int | None]:
    if event.get("hook_event_name") == "PostToolUseFailure":
        error = _text(event, "error")
        found = _EXIT.match(error)
        return error[found.end() :] if found else error, int(found[1]) if found else 1
    return "\n".join(part for part in (_text(answer, "stdout"), _text(answer, "stderr")) if part), 0


def _of_file(answer: dict[str, Any]) -> tuple[str, int | None]:
    file = answer.get("file")
    output = _text(file, "content") if isinstance(file, dict) else ""
    return output, ended_with(output)


def _bounded(text: str) -> str:
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n[…]\n{text[-_TAIL:]}"


def _text(values: dict[str, Any], name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""
