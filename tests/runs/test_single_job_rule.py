"""One first: what counts as seen training, who has to wait for whom, and when the same failure has been bought often enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ml_intern_helpers.runs import ledger, single_job_rule
from ml_intern_helpers.runs.run_record import Runs, fingerprint, folded

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def of(*entries: dict[str, Any]) -> Runs:
    return folded(ledger.Lines([{"where": "jobs", "task": "t", **entry} for entry in entries]), NOW)


@pytest.mark.parametrize(
    ("log", "loss"),
    [
        pytest.param(
            "{'loss': '2.314', 'grad_norm': '1.9', 'learning_rate': '2e-05', 'epoch': '0.1'}", 2.314, id="transformers-5"
        ),
        pytest.param("{'loss': 2.314, 'grad_norm': 1.9}", 2.314, id="transformers-4"),
        pytest.param('{"train/loss": 1e-3, "step": 4}', 0.001, id="json"),
        pytest.param("step 10 | loss: 3.1 | lr 0.1", 3.1, id="own-loop"),
        pytest.param("epoch=1 loss=0.5", 0.5, id="equals"),
        pytest.param("{'loss': 'nan'}", "nan", id="nan"),
        pytest.param("{'train_loss': '1.25', 'train_runtime': '3'}", 1.25, id="end-of-run"),
        pytest.param("{'loss': '3'}\n{'loss': '2'}", 2.0, id="the-last"),
        pytest.param("{'eval_loss': '2.1', 'eval_runtime': '1'}", None, id="evaluation"),
        pytest.param("val loss: 2.1\nvalidation/loss=3\neval loss: 1", None, id="validation"),
        pytest.param("Installing packages… using loss function: none", None, id="words"),
        pytest.param("weight-loss: 3\nx.loss=3\nfloss: 3", None, id="other-words"),
        pytest.param("", None, id="empty"),
        pytest.param("loss " * 200_000, None, id="long"),
    ],
)
def test_steps_in_a_log(log: str, loss: float | str | None) -> None:
    seen = single_job_rule.seen_training(log)
    if loss is None:
        assert seen is None
        return
    assert seen is not None
    assert (str(seen.loss), seen.sound) == (str(loss), loss != "nan")


@pytest.mark.parametrize(
    ("job", "trains"),
    [
        ({"status": {"stage": "COMPLETED"}}, True),
        ({"status": {"stage": "RUNNING"}, "durations": {"runningSecs": 60}}, False),
        ({"status": {"stage": "RUNNING"}, "durations": {"runningSecs": 900}}, True),
        ({"status": {"stage": "RUNNING"}}, False),
        ({"status": {"stage": "SCHEDULING"}, "durations": {"runningSecs": 9000}}, False),
        ({"status": {"stage": "ERROR"}}, False),
        ({"status": "odd"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_the_state_at_the_hub(job: dict[str, Any] | None, trains: bool) -> None:
    assert (single_job_rule.seen_training(job=job) is not None) is trains


@pytest.mark.parametrize(
    ("entries", "waits_for"),
    [
        pytest.param([], None, id="first"),
        pytest.param([{"id": "a", "state": "running"}], "a", id="unseen"),
        pytest.param([{"id": "a", "state": "reserved"}], "a", id="not-even-started"),
        pytest.param([{"id": "a", "state": "running"}, {"id": "a", "trained_at": "2026-11-23T11:00:00Z"}], None, id="seen"),
        pytest.param([{"id": "a", "state": "failed"}], None, id="over"),
        pytest.param([{"id": "a", "state": "released"}], None, id="never-was"),
        pytest.param([{"id": "a", "state": "running", "trains": False}], None, id="does-not-train"),
        pytest.param([{"id": "a", "state": "running", "task": "other"}], None, id="of-another-task"),
    ],
)
def test_who_waits_for_whom(entries: list[dict[str, Any]], waits_for: str | None) -> None:
    found = single_job_rule.unproven(of(*entries), "t")
    assert (found.id if found else None) == waits_for


def failing(*states: str, command: str = "python train.py", script: str = "aa") -> list[dict[str, Any]]:
    return [
        {"id": f"{command}{n}", "command": command, "script_sha256": script, "state": state} for n, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "held"),
    [
        (["failed"], False),
        (["failed", "failed"], True),
        (["failed", "stopped", "failed"], True),
        (["failed", "completed", "failed"], False),
        (["failed", "failed", "completed"], False),
        (["failed", "running"], False),
    ],
)
def test_the_third_identical_failure(states: list[str], held: bool) -> None:
    assert single_job_rule.held_as_third(of(*failing(*states)), " python   train.py", "aa") is held


@pytest.mark.parametrize(("command", "script"), [("python train.py --lr 1", "aa"), ("python train.py", "bb")])
def test_what_changed_may_go(command: str, script: str) -> None:
    assert not single_job_rule.held_as_third(of(*failing("failed", "failed", "failed")), command, script)


def test_a_command_is_the_same_with_another_token() -> None:
    one, other = ("hf jobs run --token hf_" + letter * 20 + " x" for letter in "ab")
    assert fingerprint(one, "") == fingerprint(other, "")
    assert fingerprint("x" * 9000 + "a", "") != fingerprint("x" * 9000 + "b", "")
