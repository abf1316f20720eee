"""Whether the models and data sets that a paper names exist on the Hub: asked side by side, a dozen at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from ml_intern_helpers.core.errors import AccessDenied, NotFound, ToolError
from ml_intern_helpers.papers.services.fields import count, mapping, mappings, text
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB

Kind = Literal["model", "dataset"]
#: `yes` (an id that is there); `disabled` (there, but the Hub has switched it off: no file can be had); `same name` (only a
#: name was given, and repositories are called so); `no` (an id that is not there); `hidden` (missing or private, which the Hub
#: does not tell apart without a token); `no exact name` (a name for which a search finds no repository); `unknown` (could not
#: be asked).
Exists = Literal["yes", "disabled", "same name", "no", "hidden", "no exact name", "unknown"]
MOST = 12
_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True)
class Check:
    """What the Hub says of one name.

    Attributes:
        id: of the repository; of the most downloaded one with exactly this name where only a name was known.
        others: further repositories of exactly this name, by downloads.
        gated: whether access must be asked for; None when unknown.
        reason: why it is `unknown`.
    """

    kind: Kind
    name: str
    exists: Exists
    id: str | None = None
    others: tuple[str, ...] = ()
    gated: bool | None = None
    downloads: int | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"others": list(self.others)}


def check(http: Http, wanted: Sequence[tuple[Kind, str]]) -> tuple[list[Check], list[Response]]:
    """One answer for each of the first `MOST` names, and the responses behind them."""
    asked = list(dict.fromkeys(wanted))[:MOST]
    outcomes = http.together([partial(_one, http, kind, name) for kind, name in asked])
    checks: list[Check] = []
    responses: list[Response] = []
    for (kind, name), outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, ToolError):
            checks.append(Check(kind, name, "unknown", reason=outcome.message))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            checks.append(outcome[0])
            responses.append(outcome[1])
    return checks, responses


def _one(http: Http, kind: Kind, name: str) -> tuple[Check, Response]:
    return _by_id(http, kind, name) if _ID.fullmatch(name) else _by_name(http, kind, name)


def _by_id(http: Http, kind: Kind, name: str) -> tuple[Check, Response]:
    response = http.get(HUB, f"/api/{kind}s/{quote(name, safe='/')}")
    try:
        response.raise_for_status(f"the {kind} {name}")
    except NotFound:
        return Check(kind, name, "no"), response
    except AccessDenied:
        return Check(kind, name, "hidden"), response
    body = mapping(response.json())
    exists: Exists = "disabled" if body.get("disabled") is True else "yes"
    return Check(kind, name, exists, text(body.get("id"), 200) or name, (), _gated(body), count(body.get("downloads"))), response


def _by_name(http: Http, kind: Kind, name: str) -> tuple[Check, Response]:
    params = {"search": name, "sort": "downloads", "direction": -1, "limit": 20}
    response = http.get(HUB, f"/api/{kind}s", params).raise_for_status(f"{kind}s called {name}")
    rows = [row for row in mappings(response.json()) if _bare(str(row.get("id", "")).rpartition("/")[2]) == _bare(name)]
    ids = [found for found in (text(row.get("id"), 200) for row in rows) if found]
    if not ids:
        return Check(kind, name, "no exact name"), response
    return Check(kind, name, "same name", ids[0], tuple(ids[1:4]), _gated(rows[0]), count(rows[0].get("downloads"))), response


def _bare(name: str) -> str:
    """`Llama 3.1 8B` and `Llama-3.1-8B` are one name."""
    return re.sub(r"[\s_-]+", "-", name.strip().lower())


def _gated(row: dict[str, Any]) -> bool | None:
    gated = row.get("gated")
    return None if gated is None else gated in (True, "auto", "manual")
