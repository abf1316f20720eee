"""May it be spent: caps, reservations, settlements, and clocks and figures that lie."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.indexes import job_prices
from ml_intern_helpers.indexes.job_prices import Price
from ml_intern_helpers.runs import launching, ledger, settlement, spend
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.run_record import Run, Runs, folded, runs_of
from ml_intern_helpers.runs.timestamps import stamp
from runs.tasks import on_file
from support.helpers import ROOT
from support.recordings import http_recording

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PRICE = Price(1.5, "2026-08-21", "shipped list")


def line(name: str, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {"id": name, "at": stamp(at), "where": "jobs", "task": "task-1", "state": "running", **more}


def of(*entries: dict[str, Any], damaged: tuple[int, ...] = ()) -> Runs:
    return folded(ledger.Lines(list(entries), list(damaged)), NOW)


@pytest.mark.parametrize(
    ("seconds", "attempts", "usd"),
    [(14400, 1, 6.0), (14400, 3, 18.0), (61, 1, 0.05), (1, 1, 0.025), (None, 1, None), (0, 1, None), (float("nan"), 1, None), (60, 0, None)],
)  # fmt: skip
def test_a_job_costs_at_most_price_times_limit_by_the_minute(seconds: float | None, attempts: int, usd: float | None) -> None:
    assert spend.cost_on_jobs(PRICE, seconds, attempts=attempts).usd == usd


def test_what_repeats_or_has_no_price_has_no_most() -> None:
    assert spend.cost_on_jobs(PRICE, 3600, repeats=True).usd is None
    assert spend.cost_on_jobs(None, 3600).usd is None


def verdict(task: Task | None, usd: float | None, *entries: dict[str, Any], damaged: tuple[int, ...] = ()) -> str:
    return spend.may_spend(task, of(*entries, damaged=damaged), spend.Cost(usd, "so"), NOW).verdict


@pytest.mark.parametrize(
    ("changes", "usd", "expected"),
    [
        pytest.param({}, 10.0, "within", id="exactly-the-cap"),
        pytest.param({}, 10.01, "over", id="a-cent-over"),
        pytest.param({}, None, "unknown", id="cost-not-known"),
        pytest.param({}, 0.0, "within", id="on-this-machine"),
        pytest.param({"spend_cap_usd": 0}, 0.5, "no_cap", id="cap-0"),
        pytest.param({"spend_cap_usd": 0, "where": "local"}, 0.0, "within", id="free-without-a-cap"),
        pytest.param({"spend_cap_usd": "much"}, 0.5, "no_cap", id="cap-is-text"),
        pytest.param({"spend_cap_usd": True}, 0.5, "no_cap", id="cap-is-true"),
        pytest.param({"spend_cap_usd": -1}, 0.5, "no_cap", id="cap-below-0"),
        pytest.param({"state": "closed"}, 0.5, "no_cap", id="closed"),
        pytest.param({"deadline": "2026-11-23T11:59:00Z"}, 0.5, "no_cap", id="past-the-deadline"),
        pytest.param({"time_budget_s": 3600}, 0.5, "no_cap", id="time-is-used-up"),
        pytest.param({"spend_cap_usd_per_day": 3}, 3.5, "over", id="over-the-day"),
    ],
)
def test_the_caps(tmp_path: Path, changes: dict[str, Any], usd: float | None, expected: str) -> None:
    assert verdict(on_file(tmp_path, **changes), usd) == expected


def test_without_a_readable_task_nothing_is_agreed(tmp_path: Path) -> None:
    assert verdict(None, 0.5) == "no_cap"
    assert verdict(on_file(tmp_path, "{"), 0.5) == "no_cap"


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([line("a", reserved_usd=4)], 6, id="reserved"),
        pytest.param([line("a", reserved_usd=4, state="completed")], 6, id="ended-not-settled"),
        pytest.param([line("a", reserved_usd=4), line("a", state="completed", settled_usd=1.5)], 8.5, id="settled"),
        pytest.param([line("a", reserved_usd=4, settled_usd=0.1)], 6, id="settled-while-running-is-none"),
        pytest.param([line("a", reserved_usd=4), line("a", state="released")], 10, id="released"),
        pytest.param([line("a", reserved_usd=4, where="local")], 10, id="local-costs-nothing"),
        pytest.param([line("a", reserved_usd=4, task="another")], 10, id="of-another-task"),
        pytest.param([line("a", reserved_usd=4, task=None)], 6, id="of-no-task-counts"),
        pytest.param([line("a", reserved_usd=4), line("b", reserved_usd=5)], 1, id="two"),
        pytest.param([line("a", reserved_usd=40)], 0, id="never-below-zero"),
        pytest.param([{"id": "a", "started_at": "2026-11-23T09:12:00Z", "command": "python train.py", "state": "completed"}], 10, id="by-hand-local"),
        pytest.param([{"id": "a", "command": "hf jobs run x", "state": "running", "reserved_usd": 2}], 8, id="by-hand-job"),
        pytest.param([line("a", reserved_usd=4, state="finished?")], 6, id="odd-state-still-counts"),
    ],
)  # fmt: skip
def test_what_is_left(tmp_path: Path, entries: list[dict[str, Any]], left: float) -> None:
    whole, _ = spend.limits(on_file(tmp_path), of(*entries), NOW)
    assert whole is not None
    assert (whole.left_usd, whole.unknown) == (left, 0)


@pytest.mark.parametrize("odd", [None, "4", float("inf"), -4, True, [4], 10**400])
def test_a_cost_that_cannot_be_counted_is_never_zero(tmp_path: Path, odd: Any) -> None:
    assert verdict(on_file(tmp_path), 0.5, line("a", reserved_usd=odd)) == "unknown"


def test_a_damaged_ledger_allows_nothing_paid(tmp_path: Path) -> None:
    assert verdict(on_file(tmp_path), 0.5, damaged=(3,)) == "unknown"
    assert verdict(on_file(tmp_path), 0.0, damaged=(3,)) == "within"


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([line("a", NOW - 25 * HOUR, reserved_usd=4, state="completed", settled_usd=4)], 8, id="yesterday"),
        pytest.param([line("a", NOW - 23 * HOUR, reserved_usd=4, state="completed", settled_usd=4)], 4, id="within-the-day"),
        pytest.param([line("a", NOW - 40 * HOUR, reserved_usd=4)], 4, id="still-running"),
        pytest.param([line("x", NOW - HOUR), line("a", datetime(1970, 1, 1, tzinfo=UTC), reserved_usd=4, state="completed", settled_usd=4)], 4, id="clock-set-back"),
        pytest.param([line("a", datetime(2099, 1, 1, tzinfo=UTC), reserved_usd=4, state="completed", settled_usd=4)], 4, id="from-the-future"),
        pytest.param([line("a", datetime(2099, 1, 1, tzinfo=UTC), reserved_usd=4, state="completed", settled_usd=4), line("x", NOW - 30 * HOUR, where="local")], 8, id="future-put-right-by-what-followed"),
        pytest.param([{"id": "a", "at": "yesterday", "where": "jobs", "state": "completed", "settled_usd": 4}], 4, id="no-time-at-all"),
    ],
)  # fmt: skip
def test_the_last_24_hours_and_clocks_that_jump(tmp_path: Path, entries: list[dict[str, Any]], left: float) -> None:
    entries = [{**entry, "reserved_usd": entry.get("reserved_usd", 0)} for entry in entries]
    _, day = spend.limits(on_file(tmp_path, spend_cap_usd=100, spend_cap_usd_per_day=8), of(*entries), NOW)
    assert day is not None
    assert day.left_usd == left


@given(some.lists(some.tuples(some.floats(0, 1e6), some.sampled_from(["running", "completed", "released", "odd"]), some.floats(0, 1e6) | some.none(), some.datetimes())), some.floats(0.001, 1e6))  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_what_is_allowed_never_exceeds_the_cap(entries: list[tuple[float, str, float | None, datetime]], usd: float) -> None:
    lines = [
        line(f"r{number}", at.replace(tzinfo=UTC), reserved_usd=reserved, state=state, settled_usd=settled)
        for number, (reserved, state, settled, at) in enumerate(entries)
    ]
    task = Task(Path("t"), {"schema": "ml-intern/task/v1", "spend_cap_usd": 1000})
    decision = spend.may_spend(task, of(*lines), spend.Cost(usd, ""), NOW)
    committed = sum(run.cost_usd or 0 for run in of(*lines).all)
    assert decision.allowed is (committed + usd <= 1000.0001) or abs(committed + usd - 1000) < 0.001


# Two sessions, one dollar.

RESERVER = """
import sys
sys.path.insert(0, {src!r})
from pathlib import Path
from ml_intern_helpers.runs import launching
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.spend import Cost
folder = Path(sys.argv[1])
for number in range(5):
    decision, name = launching.reserve(folder / ".ml-intern", task_for(folder), launching.Launch("hf jobs run x", "jobs"), Cost(1.0, ""), timeout_s=60)
    print(decision.verdict, name)
"""


def test_eight_processes_cannot_reserve_more_than_the_cap(tmp_path: Path) -> None:
    on_file(tmp_path, spend_cap_usd=7)
    code = RESERVER.format(src=str(ROOT / "src"))
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    told = [line for one in writers for line in one.communicate(timeout=120)[0].splitlines()]
    assert len(told) == 40
    within = [line.split()[1] for line in told if line.startswith("within")]
    assert len(within) == 7
    assert sorted(run.id for run in runs_of(tmp_path / ".ml-intern").all) == sorted(within)


def test_a_launch_is_found_again_told_of_and_released(tmp_path: Path) -> None:
    task, folder = on_file(tmp_path), tmp_path / ".ml-intern"
    launch = launching.Launch("hf jobs run x", "jobs", ids=(("tool_use_id", "toolu_1"),), usd_per_hour=1.5)
    _, name = launching.reserve(folder, task, launch, spend.Cost(6.0, "so"))
    assert name is not None
    found = runs_of(folder).get(name)
    assert found is not None
    assert (found.text("tool_use_id"), found.state, found.cost_usd) == ("toolu_1", "reserved", 6.0)
    launching.tell(folder, name, state="running", job_id="abc")
    assert runs_of(folder).get("abc") is not None
    launching.release(folder, name, "the user said no")
    assert runs_of(folder).all[0].state == "released"
    with pytest.raises(UsageError, match="is not a state"):
        launching.tell(folder, name, state="done")


def test_every_line_is_what_the_schema_says(tmp_path: Path) -> None:
    from jsonschema import Draft202012Validator

    task, folder = on_file(tmp_path), tmp_path / ".ml-intern"
    name = launching.launched(
        folder, task, launching.Launch("x" * 9000, "jobs", "train.py", "ab"), spend.Cost(None, "so"), job_id="j"
    )
    launching.tell(folder, name, state="failed", exit_code=1)
    schema = Draft202012Validator(json.loads((ROOT / "docs/schemas/runs.v1.json").read_text(encoding="utf-8")))
    lines = (folder / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 2
    known = set(schema.schema["properties"])
    for text in lines:
        schema.validate(json.loads(text))
        assert json.loads(text).keys() <= known


# Settlement.

JOB = {
    "id": "j",
    "status": {"stage": "COMPLETED"},
    "startedAt": "2026-11-23T10:00:00.000Z",
    "finishedAt": "2026-11-23T10:30:30.000Z",
}


@pytest.mark.parametrize(
    ("job", "state", "usd"),
    [
        pytest.param(JOB, "completed", 0.775, id="stamps-of-the-hub"),
        pytest.param({**JOB, "durations": {"runningSecs": 60}}, "completed", 0.025, id="seconds-counted-by-the-hub"),
        pytest.param({**JOB, "status": {"stage": "ERROR"}}, "failed", 0.775, id="failed"),
        pytest.param({**JOB, "status": {"stage": "CANCELED"}}, "stopped", 0.775, id="cancelled"),
        pytest.param({"status": {"stage": "CANCELED"}}, "stopped", 0.0, id="cancelled-before-it-ran"),
        pytest.param({"status": {"stage": "RUNNING"}, "durations": {"runningSecs": 600}}, "running", None, id="running"),
        pytest.param({"status": {"stage": "SCHEDULING"}}, "running", None, id="waiting"),
        pytest.param({"status": {"stage": "COMPLETED"}}, "completed", None, id="no-times"),
        pytest.param({**JOB, "finishedAt": "2026-11-23T09:00:00Z"}, "completed", None, id="ends-before-it-starts"),
        pytest.param({"status": {"stage": "EXPLODED"}}, "running", None, id="unknown-stage"),
        pytest.param({}, "running", None, id="nothing"),
        pytest.param({**JOB, "durations": {"runningSecs": float("nan")}}, "completed", 0.775, id="nan"),
    ],
)
def test_settlement(job: dict[str, Any], state: str, usd: float | None) -> None:
    found = settlement.settlement(Run("a", line("a", usd_per_hour=1.5), NOW), job)
    assert (found.state, found.usd) == (state, usd)
    assert ("settled_usd" in found.changes()) is (usd is not None)


def test_stages_and_times_are_the_clients_own() -> None:
    from huggingface_hub import JobInfo, JobStage

    assert set(settlement.STATES) == {stage.value for stage in JobStage}
    info = JobInfo(**{**JOB, "owner": {"id": "0", "name": "ada", "type": "user"}, "durations": {"runningSecs": 7}})
    assert info.durations is not None
    assert info.started_at is not None
    assert info.finished_at is not None
    assert settlement.running_seconds({**JOB, "durations": {"runningSecs": 7}}) == info.durations.running_secs
    assert settlement.running_seconds(JOB) == (info.finished_at - info.started_at).total_seconds()


# Prices.


def test_live_prices_are_read_as_the_hub_writes_them() -> None:
    found = job_prices._from_answer(json.loads(http_recording("hf_hub/jobs_hardware.http.json")["body"]))
    assert found == {"cpu-basic": 0.01, "t4-small": 0.4, "a10g-small": 1.0, "h200x8": 40.0}


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        pytest.param({"url": "https://huggingface.co", "as_of": "2026-11-22", "usd_per_hour": {"t4-small": 0.55}}, "Hub", id="live"),
        pytest.param({"url": "https://huggingface.co", "as_of": "2026-01-01", "usd_per_hour": {"t4-small": 0.55}}, "shipped list", id="older-than-ours"),
        pytest.param({"url": "https://huggingface.co", "as_of": "2999-01-01", "usd_per_hour": {"t4-small": 0.55}}, "shipped list", id="from-the-future"),
        pytest.param({"url": "https://mirror.example", "as_of": "2026-11-22", "usd_per_hour": {"t4-small": 0.55}}, "shipped list", id="of-another-hub"),
        pytest.param({"url": "https://huggingface.co", "as_of": "2026-11-22", "usd_per_hour": {"t4-small": "0.55"}}, "shipped list", id="text"),
        pytest.param([], "shipped list", id="list"),
        pytest.param(None, "shipped list", id="none"),
    ],
)  # fmt: skip
def test_the_newest_price_known_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Any, expected: str) -> None:
    monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    if kept is not None:
        (tmp_path / "jobs-prices.json").write_text(json.dumps(kept))
    found = job_prices.price_of("t4-small")
    assert found is not None
    assert (found.source, found.usd_per_hour) == (expected, 0.55 if expected == "Hub" else 0.4)
    assert job_prices.price_of("h999") is None
