"""Reads what the `hf` client prints about jobs (huggingface_hub 2.4): for agents, for people and as JSON."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_ID = r"[0-9a-f]{20,40}"
_NAME = r"[A-Za-z0-9][\w.-]{0,95}"
#: `id=X name=Y url=U`, `{"id": "X", …, "url": "U"}`, `  id: X\n  name: Y\n  url: U`, `JobInfo(id='X', …, url='U')`: the url ends
#: with the id before it, so that no other address in the output is taken for a job's.
_RESULT = re.compile(
    rf"""\bid["']?\s?[=:]\s?["']?({_ID})\b.{{0,3000}}?\burl["']?\s?[=:]\s?["']?(https?://[^\s"']{{1,200}}/jobs/({_NAME})/\1)\b""",
    re.DOTALL,
)
#: The hints that the client prints on stderr after a detached start; used if stdout was not captured.
_HINT = re.compile(rf"`hf jobs (?:logs -f|inspect|wait) ({_NAME})/({_ID})`")
_SCHEDULE = re.compile(rf"`hf jobs scheduled inspect {_NAME}/({_ID})`")
_BARE = re.compile(rf"^\s*({_ID})\s*$", re.MULTILINE)
_END = re.compile(rf"^\s*(?:\S*Error: )?Job ({_ID}) (?:(completed)|finished with stage '(\w{{3,20}})')", re.MULTILINE)
_CANCELS = re.compile(r"\bhf\s+jobs\s+cancel\b")
#: All that `hf jobs cancel` prints when it has worked: `id=X`, `  id: X`, `{"id": "X"}`, or with --quiet X.
_CANCELLED = re.compile(rf"""^\s*(?:id=|id: |\{{"id": ")?({_ID})(?:"\}})?\s*$""", re.MULTILINE)
_STAGES = "COMPLETED|CANCELED|ERROR|DELETED|SCHEDULING|RUNNING"
_STAGE = re.compile(rf"\b({_STAGES})\b")
#: Stands for a start time that the output omits: only an explicit null says that a job never began.
_UNSTATED = "not stated"
_QUIET = re.compile(r"\s(?:-q|--quiet|--format[= ]quiet)(?:\s|$)")


class Started(NamedTuple):
    """A submitted job; `account` and `url` are "" where the output does not name them."""

    id: str
    account: str = ""
    url: str = ""


def started(command: str, output: str) -> list[Started]:
    """The jobs that `command` submitted according to its output, in their order, without repeats."""
    jobs = {match[1]: Started(match[1], match[3], match[2]) for match in _RESULT.finditer(output)}
    if not jobs:
        jobs = {match[2]: Started(match[2], match[1]) for match in _HINT.finditer(output)}
    if not jobs and _QUIET.search(command):
        jobs = {match[1]: Started(match[1]) for match in _BARE.finditer(output)}
    return list(jobs.values())


def schedules(output: str) -> list[str]:
    """The ids of the schedules that were created; a schedule starts jobs repeatedly."""
    return list(dict.fromkeys(_SCHEDULE.findall(output)))


def ends(output: str) -> dict[str, str]:
    """Job id -> stage, where an attached run or `hf jobs wait` says how the job ended."""
    return {match[1]: "COMPLETED" if match[2] else match[3] for match in _END.finditer(output)}


def cancelled(command: str, output: str, job_id: str) -> bool | None:
    """True if `hf jobs cancel` reports that the job has ended, False if it was only requested, None if it was not."""
    if not _CANCELS.search(command):
        return None
    is_named = job_id in _CANCELLED.findall(output)
    return is_named if is_named or job_id in command else None


def reported(job_id: str, output: str) -> dict[str, Any] | None:
    """What `hf jobs inspect|ps|wait` print about a job, in the form of the Hub's API; None where it is unclear."""
    for job in (*_from_json(output), *_from_tabs(output)):
        if job.get("id") == job_id or job.get("job_id") == job_id:
            return _as_the_hub(job, job_id)
    stages = [stages[0] for line in output.splitlines() if _names(line, job_id) and len(stages := _stages(line)) == 1]
    return {"id": job_id, "status": {"stage": stages[-1]}, "startedAt": _UNSTATED} if stages else None


def _stages(line: str) -> list[str]:
    return sorted(set(_STAGE.findall(line)))


def _names(line: str, job_id: str) -> bool:
    """Whether a line contains the id, or its beginning where a narrow table has shortened it."""
    first_word = line.split(None, 1)[0] if line.split() else ""
    shortened = first_word.removesuffix("...")
    return job_id in line or (shortened != first_word and len(shortened) >= 8 and job_id.startswith(shortened))


def _from_json(output: str) -> Iterator[dict[str, Any]]:
    start = min((at for at in (output.find("[{"), output.find('{"')) if at >= 0), default=-1)
    if start < 0:
        return
    try:
        value, _ = json.JSONDecoder().raw_decode(output, start)
    except (ValueError, RecursionError):
        return
    for job in value if isinstance(value, list) else [value]:
        if isinstance(job, dict):
            yield job


def _from_tabs(output: str) -> Iterator[dict[str, Any]]:
    """The rows of the client's table for agents: tab-separated, names first; values other than text are Python literals."""
    names: list[str] = []
    for line in output.splitlines():
        cells = line.split("\t")
        if len(cells) > 1 and {"id", "job_id"} & set(cells):
            names = cells
        elif names and len(cells) == len(names):
            yield {name: _value(cell) for name, cell in zip(names, cells, strict=True)}


def _value(cell: str) -> Any:
    if not cell.startswith("{") or len(cell) > 20_000:
        return cell
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell


def _as_the_hub(job: dict[str, Any], job_id: str) -> dict[str, Any] | None:
    status = job.get("status", job.get("stage"))
    stage = status.get("stage") if isinstance(status, dict) else status
    if not isinstance(stage, str) or not _STAGE.fullmatch(stage):
        return None
    durations = job.get("durations")
    seconds = durations.get("running_secs") if isinstance(durations, dict) else None
    message = status.get("message") if isinstance(status, dict) else job.get("message")
    answer: dict[str, Any] = {"id": job_id, "status": {"stage": stage, "message": message if isinstance(message, str) else None}}
    answer |= {"startedAt": job.get("started_at", _UNSTATED), "finishedAt": job.get("finished_at")}
    return answer | ({"durations": {"runningSecs": seconds}} if seconds is not None else {})
