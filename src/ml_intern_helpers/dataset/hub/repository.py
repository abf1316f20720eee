"""Asks the Hub for a dataset's repository: whether it exists and may be read, its card, and names similar to a misspelt one.

Requests to several services run in parallel, and one that does not respond is not waited for.
"""

from __future__ import annotations

import difflib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ml_intern_helpers.core.errors import AccessDenied, NotFound, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.sample import Card
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB

_EXPAND = ["cardData", "downloads", "gated", "private", "disabled", "tags", "sha", "likes", "lastModified"]


@dataclass(frozen=True)
class Repository:
    """The Hub's facts about a dataset that exists.

    Attributes:
        name: the current id; differs from the requested one when the dataset was renamed.
        sha: the commit of the requested revision.
        gated: how access is granted (`auto`, `manual`), or False.
        disabled: whether the Hub has disabled the dataset.
        card: facts from the dataset card.
    """

    name: str
    sha: str | None
    gated: str | bool | None
    disabled: bool
    card: Card


def ask(http: Http, name: str, revision: str | None) -> Response:
    """The Hub's answer with the repository's facts at `revision`, or at the main revision."""
    path = f"/api/datasets/{name}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
    return http.get(HUB, path, {"expand[]": _EXPAND})


def parse(answer: Any, name: str) -> Repository:
    """The repository that a JSON answer describes; `name` is the requested id."""
    facts: dict[str, Any] = answer if isinstance(answer, dict) else {}
    data = facts.get("cardData") or {}
    return Repository(
        name=str(facts.get("id") or name),
        sha=facts.get("sha"),
        gated=facts.get("gated"),
        disabled=bool(facts.get("disabled")),
        card=Card(
            license=_license(data, facts.get("tags") or []),
            gated=facts.get("gated"),
            private=facts.get("private"),
            downloads_30_days=facts.get("downloads"),
            likes=facts.get("likes"),
            last_modified=facts.get("lastModified"),
            tags=[clean(tag, limit=80) for tag in (facts.get("tags") or [])[:40]],
        ),
    )


def _license(data: dict[str, Any], tags: list[Any]) -> str | None:
    license_text = data.get("license")
    if isinstance(license_text, list):
        license_text = ", ".join(map(str, license_text))
    tagged = (str(tag).removeprefix("license:") for tag in tags if str(tag).startswith("license:"))
    return clean(license_text, limit=100) if license_text else next(tagged, None)


def refuse(answer: Response, name: str, revision: str | None, http: Http) -> ToolError:
    """The error for a repository that the Hub does not show."""
    if answer.error_code == "RevisionNotFound":
        message = f"{name} has no revision {clean(revision, limit=60)!r}"
        return NotFound(message, hint=f"branches and tags: {page(name)}/refs" if revision else "the repository is empty")
    if answer.error_code == "GatedRepo":
        return gated(name)
    if answer.status in (401, 404):
        # The Hub gives the same answer for a missing and for a private dataset.
        message = f"no dataset {name!r} on the Hub that this {'token' if hf_token() else 'session (no token)'} can see"
        similar = similar_names(name, http)
        rest = "check its access rights" if hf_token() else "if it is private, log in with `hf auth login`"
        return NotFound(
            message, hint=f"did you mean {' or '.join(similar)}? {rest}" if similar else f"check the spelling; {rest}"
        )
    try:
        answer.raise_for_status(name)
    except ToolError as err:
        return err
    return Unavailable(f"the Hub answered {answer.status} for {name}", hint="ask again later")


def gated(name: str) -> AccessDenied:
    steps = "accept its terms at" if hf_token() else "log in with `hf auth login`, and accept its terms at"
    return AccessDenied(f"{name} is gated and this account has no access to its files", hint=f"{steps} {page(name)}")


def renamed(old: str, new: str) -> NotFound:
    """The error for a renamed dataset. The new name is not used automatically, because the script must use it too."""
    return NotFound(f"{old} was renamed to {clean(new, limit=200)}", hint=f"run again with {clean(new, limit=200)}")


def page(name: str) -> str:
    return f"{HUB.base_url}/datasets/{name}"


def similar_names(name: str, http: Http) -> list[str]:
    """Up to three existing ids that are similar to `name`, from three parallel searches."""
    owner, _, title = name.rpartition("/")
    word = max(title.replace("-", "_").replace(".", "_").split("_"), key=len, default=title)
    queries: dict[str, dict[str, str | int]] = {"title": {"search": title}, "word": {"search": word}}
    if owner:
        queries["owner"] = {"author": owner}
    calls = {("hub", key): _search(http, query) for key, query in queries.items()}
    ids: dict[str, None] = {}
    for answer in run_side_by_side(calls).values():
        ids.update(dict.fromkeys(answer if isinstance(answer, list) else []))
    return [clean(similar, limit=200) for similar in difflib.get_close_matches(name, list(ids), n=3, cutoff=0.6)]


def _search(http: Http, query: dict[str, str | int]) -> Callable[[], list[str]]:
    def call() -> list[str]:
        answer = http.get(HUB, "/api/datasets", {**query, "sort": "downloads", "direction": -1, "limit": 100})
        return [str(item["id"]) for item in answer.raise_for_status("search").json() if isinstance(item, dict) and "id" in item]

    return call


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
