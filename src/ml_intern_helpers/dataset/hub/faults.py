"""What the dataset viewer's errors mean, and whether another source may still have the rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from ml_intern_helpers.core.errors import RateLimited, ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.retry import VIEWER_TRANSIENT

Kind = Literal["hidden", "renamed", "no_such", "script", "too_many_configs", "blocked", "empty", "broken", "busy", "away"]

_CODES: dict[str, Kind] = {
    "ExternalUnauthenticatedError": "hidden",
    "ExternalAuthenticatedError": "hidden",
    "RenamedDatasetError": "renamed",
    "ResponseNotFound": "no_such",
    "DatasetWithScriptNotSupportedError": "script",
    "DatasetWithTooManyConfigsError": "too_many_configs",
    "DatasetInBlockListError": "blocked",
    "EmptyDatasetError": "empty",
    "DatasetNotFoundError": "hidden",
    "TooBigContentError": "blocked",
    "UnexpectedApiError": "busy",
    "UnexpectedError": "busy",
    **dict.fromkeys(VIEWER_TRANSIENT, "busy"),
}


@dataclass(frozen=True)
class Fault:
    """One error of the viewer.

    Attributes:
        kind: what it means.
        message: one line, the cause named where the viewer discloses it.
    """

    kind: Kind
    message: str

    @property
    def elsewhere(self) -> bool:
        """Another source may have the rows: the viewer, not the dataset, is at fault."""
        return self.kind in ("blocked", "busy", "away", "script", "too_many_configs", "hidden")


def fault_of(answer: Response | Exception) -> Fault | None:
    """The fault in `answer`, None when it is a good one."""
    if isinstance(answer, ToolError):
        return Fault("busy" if isinstance(answer, RateLimited) else "away", answer.message)
    if isinstance(answer, Exception):
        raise answer
    if answer.ok:
        return None
    return Fault(_kind(answer), _message(answer))


def _kind(answer: Response) -> Kind:
    known = _CODES.get(answer.error_code or "")
    if known:
        return known
    if answer.status in (401, 403):
        return "hidden"
    if answer.status == 404:
        return "no_such"
    if answer.status == 501:
        return "blocked"
    coded = answer.status == 500 and (answer.error_code or b'"cause_' in answer.body)
    return "broken" if coded else "busy"


def _message(answer: Response) -> str:
    """The viewer's words, and the cause behind them."""
    said = answer.message() or "no reason given"
    cause = _cause(answer)
    code = f" {answer.error_code}" if answer.error_code else ""
    return f"the dataset viewer answered {answer.status}{code}: {said}" + (f" Cause: {cause}" if cause else "")


def _cause(answer: Response) -> str:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ""
    if not isinstance(body, dict) or not body.get("cause_message"):
        return ""
    return clean(f"{body.get('cause_exception', 'error')}: {body['cause_message']}", limit=200)
