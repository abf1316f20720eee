"""What the Hub says of the jobs that the ledger thinks are still running."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.runs.run_record import Run
from ml_intern_helpers.web.services import HUB

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http

_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
_URL = re.compile(rf"/jobs/({_PART})/({_PART})/?$")
_ID = re.compile(rf"(?:({_PART})/)?({_PART})")
_MAX_BYTES = 1024 * 1024


def job_of(http: Http, run: Run) -> Mapping[str, Any]:
    """The Hub's answer about the run's job, asked now.

    Raises:
        Unavailable, NotFound: there is none; the reservation stands.
        BadData: the answer is none.
    """
    place = address(run)
    if place is None:
        raise Unavailable("its job id or account is not on file", hint="see `hf jobs ps -a`")
    namespace, job_id = place
    response = http.get(HUB, f"/api/jobs/{namespace}/{job_id}", ttl_s=0, max_bytes=_MAX_BYTES)
    job = response.raise_for_status(f"job {job_id}").json()
    if not isinstance(job, dict) or job.get("id") != job_id:
        raise BadData(f"the Hub's answer about job {job_id} is about something else")
    return job


def address(run: Run) -> tuple[str, str] | None:
    """(namespace, job id), from the job's URL or id and the account on file; None when that is not enough."""
    named = _URL.search(run.text("url"))
    if named:
        return named[1], named[2]
    parts = _ID.fullmatch(run.text("job_id") or run.id if not run.id.startswith("run-") else run.text("job_id"))
    namespace = (parts[1] if parts else None) or run.text("account")
    return (namespace, parts[2]) if parts and re.fullmatch(_PART, namespace) else None


def asked(http: Http, runs: list[Run]) -> list[tuple[Run, Mapping[str, Any] | ToolError]]:
    """Each run with the Hub's answer about its job, or why there is none; asked side by side."""
    answers = http.together([lambda run=run: job_of(http, run) for run in runs])  # type: ignore[misc]
    return [(run, _told(answer)) for run, answer in zip(runs, answers, strict=True)]


def _told(answer: Mapping[str, Any] | Exception) -> Mapping[str, Any] | ToolError:
    if isinstance(answer, Exception) and not isinstance(answer, ToolError):
        raise answer
    if isinstance(answer, NotFound):
        return NotFound("the Hub knows no such job: it was deleted, or belongs to an account you are not", hint=answer.hint)
    return answer
