"""`budget`: what is spent, reserved and left; asks the Hub only with --apply-hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ml_intern_helpers.runs import launching, ledger
from ml_intern_helpers.runs.spend import Cost
from ml_intern_helpers.runs.timestamps import stamp
from runs.tasks import on_file
from support.helpers import ROOT, Outcome
from support.hub import Hub
from support.loopback import Answer

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/budget.v1.json").read_text(encoding="utf-8")))
HARDWARE = [
    {"name": "t4-small", "unitCostUSD": 0.01, "unitLabel": "minute"},
    {"name": "new-card", "unitCostUSD": 3, "unitLabel": "hour"},
]


@pytest.fixture
def budget(helper: Callable[..., Outcome], tmp_path: Path) -> Callable[..., Outcome]:
    """`budget("--offline")` in a project; its `--json` answer is held to the schema."""
    (tmp_path / "p").mkdir()

    def run(*words: str, **more: str) -> Outcome:
        done = helper("budget", *words, cwd=tmp_path / "p", **more)
        if "--json" in words:
            SCHEMA.validate(done.json)
        return done

    return run


def launch(folder: Path, **more: Any) -> str:
    task = on_file(folder)
    known = launching.Launch("hf jobs uv run train.py", "jobs", "train.py", "ab", "t4-small", 3600, 0.6, "ada")
    return launching.launched(folder / ".ml-intern", task, known, Cost(6.0, "so"), **more)


def test_without_a_task_there_is_no_cap(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    nothing = budget("--json")
    assert (nothing.code, nothing.json["error"]["code"]) == (3, "not-found")
    asked = budget("--flavor", "t4-small", "--for", "1h", "--offline")
    assert (asked.code, asked.stdout.splitlines()[0]) == (1, "NO: no task is on file, so no spend cap was agreed")
    ledger.append(tmp_path / "p/.ml-intern", {"id": "r1", "where": "jobs", "reserved_usd": 2})
    done = budget()
    assert (done.code, done.stdout.splitlines()[0]) == (3, "NO CAP: no task is on file, so no spend cap was agreed")
    assert "2.00 USD reserved" in done.stdout


def test_what_is_left_is_said_first(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    name = launch(tmp_path / "p", job_id="j1", url="https://huggingface.co/jobs/ada/j1")
    done = budget()
    assert (done.code, done.stdout.splitlines()[0]) == (0, "LEFT: 4.00 of 10.00 USD")
    assert "spent 0.00  reserved 6.00" in done.stdout
    launching.tell(tmp_path / "p/.ml-intern", name, state="completed", settled_usd=1.25)
    assert budget().stdout.startswith("LEFT: 8.75 of 10.00 USD")
    answer = budget("--json").json
    assert (answer["runs"][0]["cost_usd"], answer["runs"][0]["settled"]) == (1.25, True)


def test_one_more_is_judged_by_the_live_price(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub) -> None:
    hub.service.routes["/api/jobs/hardware"] = Answer(HARDWARE)
    launch(tmp_path / "p")
    yes = budget("--flavor", "t4-small", "--for", "4h", HF_ENDPOINT=hub.url)
    today = stamp(datetime.now(UTC))[:10]
    assert (
        yes.stdout.splitlines()[0] == f"YES: at most 2.40 USD (0.60 USD/h (Hub, {today}) x 4 h); then 1.60 of 10.00 USD are left"
    )
    no = budget("--flavor", "new-card", "--for", "2h", HF_ENDPOINT=hub.url)
    assert (no.code, no.stdout.startswith("NO, OVER THE CAP: at most 6.00 USD")) == (1, True)
    asked = [request for request in hub.service.requests if request.path == "/api/jobs/hardware"]
    assert len(asked) == 1, "an answer of today is used again"
    kept = budget("--flavor", "t4-small", "--for", "4h", "--offline", "--json", HF_ENDPOINT=hub.url)
    assert kept.json["asked"] == {
        "flavor": "t4-small",
        "for_s": 14400,
        "most_usd": 2.4,
        "price": f"0.60 USD/h (Hub, {today}) x 4 h",
    }


def test_offline_the_dated_list_does(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    launch(tmp_path / "p")
    done = budget("--flavor", "t4-small", "--for", "1h", "--offline")
    assert (done.code, "(shipped list, 2026-08-21)" in done.stdout, done.stderr) == (0, True, "")
    dead = budget("--flavor", "t4-small", "--for", "1h")
    assert (dead.code, "the price is the last one known" in dead.stderr) == (0, True)


@pytest.mark.parametrize("body", [[], {"error": "x"}, "<html>", [{"name": 3}], [{"name": "t4-small", "unitCostUSD": -1, "unitLabel": "minute"}], [{"name": "t4-small", "unitCostUSD": 1, "unitLabel": "moon"}]])  # fmt: skip
def test_a_list_that_is_none_is_no_price(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub, body: Any) -> None:
    hub.service.routes["/api/jobs/hardware"] = Answer(body)
    launch(tmp_path / "p")
    done = budget("--flavor", "t4-small", "--for", "1h", HF_ENDPOINT=hub.url)
    assert (done.code, "(shipped list, 2026-08-21)" in done.stdout, "last one known" in done.stderr) == (0, True, True)


def test_the_hub_settles_and_what_it_does_not_know_stands(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub) -> None:
    ended = {"id": "j1", "status": {"stage": "COMPLETED"}, "durations": {"runningSecs": 1801}}
    going = {"id": "j2", "status": {"stage": "RUNNING"}, "durations": {"runningSecs": 1000}}
    hub.service.routes["/api/jobs/ada/j1"] = Answer(ended)
    hub.service.routes["/api/jobs/ada/j2"] = Answer(going)
    hub.service.routes["/api/jobs/ada/gone"] = Answer({"error": "no"}, 404)
    for job in ("j1", "j2", "gone"):
        launch(tmp_path / "p", job_id=job)
    done = budget("--apply-hub", "--json", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    runs = {run["job_id"]: run for run in done.json["runs"]}
    assert (runs["j1"]["state"], runs["j1"]["cost_usd"], runs["j1"]["settled"]) == ("completed", 0.31, True)
    assert (runs["j2"]["state"], runs["j2"]["cost_usd"], runs["j2"]["seen_training"]) == ("running", 6.0, True)
    assert (runs["gone"]["state"], runs["gone"]["cost_usd"]) == ("running", 6.0)
    assert any("knows no such job" in warning and "stays" in warning for warning in done.json["warnings"])
    before = (tmp_path / "p/.ml-intern/runs.jsonl").read_bytes()
    budget("--apply-hub", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    assert (tmp_path / "p/.ml-intern/runs.jsonl").read_bytes().count(b"\n") <= before.count(b"\n") + 1
    asked = [request.path for request in hub.service.requests]
    assert asked.count("/api/jobs/ada/j1") == 1, "what is settled is not asked again"


def test_an_estimate_is_said_to_be_one_until_the_hub_tells(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub) -> None:
    basis = "estimated: at most 90 min since it was put on file x 0.60 USD/h"
    launch(tmp_path / "p", job_id="j1", state="stopped", settled_usd=0.9, settled_from=basis)
    shown = budget().stdout
    assert "0.90 USD spent at most (estimated)" in shown
    assert "budget --apply-hub" in shown
    hub.service.routes["/api/jobs/ada/j1"] = Answer(
        {"id": "j1", "status": {"stage": "CANCELED"}, "durations": {"runningSecs": 1801}}
    )
    done = budget("--apply-hub", "--json", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    [run] = done.json["runs"]
    assert (run["state"], run["cost_usd"], run["settled"], run["estimated"]) == ("stopped", 0.31, True, False)


def test_an_answer_about_another_job_settles_nothing(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub) -> None:
    hub.service.routes["/api/jobs/ada/j1"] = Answer({"id": "j9", "status": {"stage": "CANCELED"}})
    launch(tmp_path / "p", job_id="j1")
    assert budget("--apply-hub", "--json", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token).json["runs"][0]["state"] == "running"


@pytest.mark.parametrize("job", ["../../etc", "a b", "x/y/z", "", "j?x=1"])
def test_no_odd_id_becomes_an_address(budget: Callable[..., Outcome], tmp_path: Path, hub: Hub, job: str) -> None:
    launch(tmp_path / "p", job_id=job)
    budget("--apply-hub", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    assert not [request for request in hub.service.requests if request.path.startswith("/api/jobs/")]


def test_a_launch_that_never_was_is_given_back(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    name = launch(tmp_path / "p", state="reserved")
    assert budget("--apply-release", "run-x", "--reason", "no").code == 2
    assert budget("--apply-release", name, "--reason", "the user said no").stdout.startswith("LEFT: 10.00 of 10.00 USD")
    job = launch(tmp_path / "p", job_id="j1")
    refused = budget("--apply-release", job, "--reason", "no")
    assert (refused.code, "was submitted as a job" in refused.stderr) == (2, True)


def test_damage_and_unknown_costs_are_never_fine(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    launch(tmp_path / "p")
    path = tmp_path / "p/.ml-intern/runs.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"garbage\n" + whole)
    done = budget()
    assert (done.code, done.stdout.splitlines()[0]) == (3, "COULD NOT TELL what is left: see below")
    assert "damaged: line 1 of" in done.stdout
    path.write_bytes(whole)
    ledger.append(path.parent, {"id": "x", "where": "jobs", "state": "running", "command": "hf jobs run x"})
    done = budget()
    assert (done.code, "cost unknown" in done.stdout) == (3, True)


def test_over_the_cap_is_a_no(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    for _ in range(2):
        launch(tmp_path / "p")
    done = budget()
    assert (done.code, done.stdout.splitlines()[0]) == (1, "OVER THE CAP: 0.00 of 10.00 USD")


def test_many_runs_are_cut_and_said(budget: Callable[..., Outcome], tmp_path: Path) -> None:
    on_file(tmp_path / "p")
    ledger.append(
        tmp_path / "p/.ml-intern", *({"id": f"r{n}", "where": "local", "command": "\x1b[31mx" * 200} for n in range(100))
    )
    done = budget()
    assert "70 earlier runs are not listed (--all lists them)" in done.stdout
    assert len(budget("--all").stdout.splitlines()) > 200
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("words", [["--flavor", "t4-small"], ["--for", "1h"], ["--flavor", "x", "--for", "1h"], ["--flavor", "t4-small", "--for", "soon"], ["--attempts", "2"], ["--reason", "x"], ["--apply-release", "x"]])  # fmt: skip
def test_wrong_usage(budget: Callable[..., Outcome], tmp_path: Path, words: list[str]) -> None:
    on_file(tmp_path / "p")
    assert budget("--offline", *words).code == 2
