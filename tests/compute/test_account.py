"""The account, through the real door and a Hub on loopback: every state, every kind of token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ml_intern_helpers.compute import account
from ml_intern_helpers.compute.account import Account
from ml_intern_helpers.web.client import Http
from support.hub import Hub
from support.hub import account as whoami
from support.loopback import Answer
from support.recordings import http_recording, recording


@pytest.fixture(autouse=True)
def environment(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": home, "ML_INTERN_CACHE": home / "cache", "HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token}.items():
        monkeypatch.setenv(name, str(value))


def ask(*, offline: bool = False) -> Account:
    return account.look_up(lambda: Http(deadline_s=5), lambda: Http(offline=True), offline=offline)


def org(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "org",
        "id": "1",
        "name": name,
        "fullname": name,
        "avatarUrl": "",
        "canPay": True,
        "roleInOrg": "write",
        **changes,
    }


def fine_grained(*scopes: tuple[str, str, list[str]]) -> dict[str, Any]:
    scoped = [{"entity": {"_id": "1", "type": kind, "name": name}, "permissions": rights} for kind, name, rights in scopes]
    token = {
        "displayName": "ci",
        "role": "fineGrained",
        "createdAt": "2026-11-01T00:00:00.000Z",
        "fineGrained": {"scoped": scoped},
    }
    return {"type": "access_token", "accessToken": token}


@pytest.mark.parametrize(
    ("changes", "may", "where"),
    [
        pytest.param({}, True, ["ada"], id="write-token"),
        pytest.param({"role": "read"}, False, [], id="read-token"),
        pytest.param({"canPay": False}, True, [], id="cannot-pay"),
        pytest.param({"canPay": False, "isPro": True}, True, ["ada"], id="pro-brings-credit"),
        pytest.param({"canPay": None}, True, ["ada"], id="paying-not-told-is-not-against-it"),
        pytest.param({"canPay": False, "orgs": [org("lab")]}, True, ["lab"], id="only-the-organization-pays"),
        pytest.param({"orgs": [org("lab", canPay=False)]}, True, ["ada"], id="organization-cannot-pay"),
        pytest.param({"orgs": [org("lab", canPay=False, plan="team")]}, True, ["ada", "lab"], id="plan-brings-credit"),
        pytest.param({"orgs": [org("lab", roleInOrg="read")]}, True, ["ada"], id="reader-in-the-organization"),
        pytest.param({"orgs": [org("lab", securityRestrictions=["sso"])]}, True, ["ada"], id="organization-wants-sso"),
        pytest.param({"auth": fine_grained(("user", "ada", ["repo.write", "job.write"]))}, True, ["ada"], id="fine-grained"),
        pytest.param({"auth": fine_grained(("user", "ada", ["repo.write"]))}, False, [], id="fine-grained-without-it"),
        pytest.param({"auth": fine_grained(("model", "ada", ["job.write"]))}, False, [], id="fine-grained-for-a-model"),
        pytest.param(
            {"auth": fine_grained(("org", "lab", ["job.write"])), "orgs": [org("lab"), org("club")]},
            True,
            ["lab"],
            id="fine-grained-for-one",
        ),
        pytest.param({"orgs": None}, True, ["ada"], id="no-list-of-organizations"),
    ],
)
def test_who_may_run_jobs_and_who_would_pay(hub: Hub, changes: dict[str, Any], may: bool, where: list[str]) -> None:
    hub.accounts[hub.token] = whoami("ada", **changes)
    told = ask()
    assert (told.state, told.user) == ("ok", "ada")
    assert (told.may_run_jobs, told.jobs_namespaces) == (may, where)
    assert told.may_run_jobs_basis
    assert told.asked_at
    assert told.asked_at.startswith("20")


@pytest.mark.parametrize(
    ("answer", "may"),
    [
        pytest.param(Answer([]), True, id="let-in"),
        pytest.param(Answer({"error": "insufficient scope"}, 403), False, id="kept-out"),
        pytest.param(Answer({"error": "?"}, 418), None, id="cannot-tell"),
    ],
)
def test_a_browser_login_is_tried_on_the_list_of_jobs(hub: Hub, answer: Answer, may: bool | None) -> None:
    hub.accounts[hub.token] = whoami("ada", auth={"type": "oauth", "expiresAt": "2026-12-01T00:00:00.000Z"})
    hub.service.routes["/api/jobs/ada"] = answer
    told = ask()
    assert (told.token_role, told.may_run_jobs) == (None, may)
    assert told.jobs_namespaces == (["ada"] if may else [])


def test_states_without_an_answer_are_told_apart(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_unknown_to_the_hub")
    assert (ask().state, "HF_TOKEN" in ask().detail) == ("invalid_token", True)
    monkeypatch.setenv("HF_TOKEN", "hf_first\nhf_second")
    assert ask().state == "unusable_token"
    monkeypatch.setenv("HF_TOKEN", "  ")
    assert ask().state == "no_token"
    asked = len(hub.service.requests)
    assert asked == 2
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert ask(offline=True).state == "offline"
    assert len(hub.service.requests) == asked
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert ask().state == "unreachable"
    monkeypatch.setenv("HF_ENDPOINT", "http://example.org")
    assert ask().state == "unexpected"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param(Answer({"error": "blocked"}, 403), "refused", id="403"),
        pytest.param(Answer({"error": "x"}, 429, {"ratelimit": '"api";r=0;t=200'}), "rate_limited", id="429"),
        pytest.param(Answer("oops", 501), "unreachable", id="server-error"),
        pytest.param(Answer("<html>log in to the hotel</html>", headers={"content-type": "text/html"}), "unexpected", id="html"),
        pytest.param(Answer([1]), "unexpected", id="other-json"),
        pytest.param(Answer({"name": None}), "unexpected", id="nameless"),
    ],
)
def test_odd_answers(hub: Hub, answer: Answer, state: str) -> None:
    hub.service.routes["/api/whoami-v2"] = answer
    told = ask()
    assert told.state == state
    assert told.detail
    assert told.jobs_namespaces == []


def test_a_good_answer_is_asked_for_once_and_dated(hub: Hub) -> None:
    first, second = ask(), ask()
    assert hub.service.paths() == ["/api/whoami-v2"]
    assert (first.cached, second.cached, second.asked_at) == (False, True, first.asked_at)


def test_an_answer_that_says_no_is_asked_again_after_a_minute(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.accounts[hub.token] = whoami("ada", canPay=False)
    ask()
    ask()
    assert len(hub.service.requests) == 1
    monkeypatch.setattr(account, "BAD_TTL_S", 0)
    hub.accounts[hub.token] = whoami("ada", canPay=True)
    assert ask().jobs_namespaces == ["ada"]


def test_when_the_hub_will_not_repeat_itself_the_older_answer_serves(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ask()
    monkeypatch.setattr(account, "GOOD_TTL_S", 0)
    hub.service.routes["/api/whoami-v2"] = Answer({"error": "slow down"}, 429, {"ratelimit": '"api";r=0;t=200'})
    told = ask()
    assert (told.state, told.cached, told.jobs_namespaces) == ("ok", True, ["ada"])
    assert "rate limited" in told.detail


def test_offline_shows_what_is_stored_and_counts_it_for_nothing(hub: Hub) -> None:
    ask()
    told = ask(offline=True)
    assert (told.state, told.user, told.jobs_namespaces) == ("offline", "ada", [])


def test_names_are_strangers_text(hub: Hub) -> None:
    hub.accounts[hub.token] = whoami("ada\x1b[2J\u202e", orgs=[org("l\x1b[31mab")])
    assert "\x1b" not in json.dumps(ask().to_dict(), ensure_ascii=False)
    assert [each.name for each in ask().namespaces] == ["ada", "lab"]


def test_the_stand_in_answers_as_the_official_schema_says() -> None:
    schema = json.loads(recording("hf_hub/schemas/whoami-v2.schema.json").read_text())
    Draft202012Validator(schema).validate(whoami("ada", auth={"type": "access_token", **fine_grained()}))


@pytest.mark.parametrize("name", ["whoami_v2_fine_grained", "whoami_v2_401"])
def test_recorded_answers(hub: Hub, name: str) -> None:
    response = http_recording(f"hf_hub/{name}.http.json")
    hub.service.routes["/api/whoami-v2"] = Answer(json.loads(response["body"]), response["status"])
    told = ask()
    assert told.state == ("ok" if response["status"] == 200 else "invalid_token")
    assert told.jobs_namespaces == []
