"""An unattended run with an open task and time left is turned around, a few times at most; everything else may end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from guard.events import JOB, SUBMIT, URL, Project, bash
from ml_intern_helpers.guard.stop import MOST_WITHOUT_PROGRESS
from ml_intern_helpers.runs.timestamps import stamp

ALONE = {"CLAUDE_CODE_SESSION_ATTENDED": "0", "CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}
PLAN = "# Plan\n- [x] compute\n- [x] audit\n- [ ] smoke run (now)\n1. [ ] train\n- [-] given up\n"


def later(**span: float) -> str:
    return stamp(datetime.now(UTC) + timedelta(**span))


def wants_to_end(message: str = "I will now wait for the training.", **more: Any) -> dict[str, Any]:
    return {
        "hook_event_name": "Stop",
        "stop_hook_active": False,
        "last_assistant_message": message,
        "background_tasks": [],
        **more,
    }


@pytest.fixture
def alone(tmp_path: Path, home: Path) -> Project:
    """A task with two hours, in a session that nobody sits at."""
    folder = tmp_path / "alone"
    folder.mkdir()
    project = Project(folder, home, deadline=later(hours=2))
    (project.data / "plan.md").write_text(PLAN)
    return project


def reason(project: Project, event: dict[str, Any] | None = None, **environment: str) -> str:
    """Why it goes on; "" when it may end."""
    answer = project.fire("stop", event or wants_to_end(), **{**ALONE, **environment})
    if answer is None:
        return ""
    assert set(answer) == {"decision", "reason"}
    assert answer["decision"] == "block"
    return str(answer["reason"])


def test_open_steps_and_runs_are_named(alone: Project) -> None:
    alone.reserve()
    alone.fire("post_tool_use", bash(SUBMIT, f"id={JOB} name=x url={URL}\n"))
    said = reason(alone)
    assert "2h" in said or "1h 59min" in said
    for part in ("- [ ] smoke run (now)", "- [ ] train", JOB, URL, "not seen training yet", "RESULT: stopped"):
        assert part in said
    assert "audit" not in said
    assert "given up" not in said


def test_without_progress_it_gives_up_before_the_client_does(alone: Project) -> None:
    answers = [reason(alone) for _ in range(MOST_WITHOUT_PROGRESS + 3)]
    assert [bool(answer) for answer in answers] == [True] * MOST_WITHOUT_PROGRESS + [False] * 3
    assert MOST_WITHOUT_PROGRESS < 8, "the client's own cap loses the result"


@pytest.mark.parametrize("what", ["plan", "script", "ledger", "log"])
def test_progress_counts_afresh(alone: Project, what: str) -> None:
    for _ in range(MOST_WITHOUT_PROGRESS):
        assert reason(alone)
    if what == "plan":
        (alone.data / "plan.md").write_text(PLAN.replace("[ ] smoke", "[x] smoke"))
    elif what == "script":
        (alone.folder / "src").mkdir()
        (alone.folder / "src/train.py").write_text("x = 1\n")
    elif what == "ledger":
        alone.reserve("python train.py", where="local")
    else:
        (alone.data / "guard.log").write_text("{}\n")
    assert reason(alone)


def test_two_sessions_count_for_themselves(alone: Project) -> None:
    for _ in range(MOST_WITHOUT_PROGRESS):
        assert reason(alone)
    assert not reason(alone)
    assert reason(alone, wants_to_end(session_id="session-2"))


@pytest.mark.parametrize(
    ("message", "plan", "blocks"),
    [
        pytest.param("RESULT: done: trained", PLAN.replace("[ ]", "[x]"), 0, id="result-and-nothing-open"),
        pytest.param("All done.", PLAN.replace("[ ]", "[x]"), 1, id="nothing-open-without-the-form"),
        pytest.param("**RESULT: stopped**: the dataset is gated", PLAN, 1, id="refusal-is-asked-once"),
        pytest.param("RESULT: done", PLAN, MOST_WITHOUT_PROGRESS, id="done-but-steps-are-open"),
        pytest.param("I will wait", None, MOST_WITHOUT_PROGRESS, id="no-plan"),
    ],
)
def test_result_ends_it(alone: Project, message: str, plan: str | None, blocks: int) -> None:
    (alone.data / "plan.md").unlink() if plan is None else (alone.data / "plan.md").write_text(plan)
    found = [bool(reason(alone, wants_to_end(message))) for _ in range(MOST_WITHOUT_PROGRESS + 1)]
    assert found == [True] * blocks + [False] * (MOST_WITHOUT_PROGRESS + 1 - blocks)


def test_background_work_is_waited_for_by_the_client(alone: Project) -> None:
    assert not reason(alone, wants_to_end(background_tasks=[{"id": "b1", "type": "shell"}]))


@pytest.mark.parametrize(
    ("terms", "environment"),
    [
        pytest.param({}, {}, id="no-limit"),
        pytest.param({"deadline": later(hours=-1)}, {}, id="deadline-over"),
        pytest.param({"deadline": later(hours=2), "state": "closed"}, {}, id="closed"),
        pytest.param({"deadline": later(hours=2)}, {"CLAUDE_CODE_SESSION_ATTENDED": "1"}, id="somebody-is-there"),
        pytest.param(
            {"deadline": later(hours=2)}, {"CLAUDE_CODE_SESSION_ATTENDED": "", "CLAUDE_CODE_ENTRYPOINT": "cli"}, id="terminal"
        ),
        pytest.param({"deadline": later(hours=2)}, {"ML_INTERN_GUARD": "off"}, id="guard-off"),
        pytest.param({"deadline": later(hours=2)}, {"ML_INTERN_DEADLINE": later(hours=-1)}, id="earlier-limit-counts"),
        pytest.param({}, {"ML_INTERN_DEADLINE": "tomorrow"}, id="no-time-is-no-deadline"),
        pytest.param({}, {"ML_INTERN_TIME_BUDGET": "a while"}, id="no-span-is-no-budget"),
        pytest.param({"schema": "other"}, {"ML_INTERN_DEADLINE": later(hours=2)}, id="unreadable-task"),
    ],
)
def test_everything_else_may_end(tmp_path: Path, home: Path, terms: dict[str, Any], environment: dict[str, str]) -> None:
    project = Project(tmp_path / "p", home, **terms)
    (project.data / "plan.md").write_text(PLAN)
    assert not reason(project, **environment)


def test_no_task_no_word(tmp_path: Path, home: Path) -> None:
    project = Project(tmp_path, home, task=False)
    assert not reason(project, ML_INTERN_DEADLINE=later(hours=2))
    assert not project.data.exists()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"ML_INTERN_DEADLINE": later(hours=2)}, id="deadline"),
        pytest.param({"ML_INTERN_DEADLINE": datetime.now().isoformat()[:10] + "T23:59:59.999"}, id="deadline-of-this-machine"),
        pytest.param({"ML_INTERN_DEADLINE": later(hours=2), "CLAUDE_CODE_SESSION_ATTENDED": "1"}, id="asked-for-by-a-person"),
    ],
)
def test_variables_set_the_limit(tmp_path: Path, home: Path, environment: dict[str, str]) -> None:
    project = Project(tmp_path / "p", home)
    (project.data / "plan.md").write_text(PLAN)
    if "T23:59" in environment["ML_INTERN_DEADLINE"] and datetime.now().hour == 23 and datetime.now().minute >= 45:
        pytest.skip("the last ten minutes of the day are for saving")
    assert reason(project, **environment)


def test_budget_counts_from_the_start_of_the_session(tmp_path: Path, home: Path) -> None:
    project = Project(tmp_path / "p", home)
    (project.data / "plan.md").write_text(PLAN)
    old = {"transcript_path": str(tmp_path / "record.jsonl")}
    (tmp_path / "record.jsonl").write_text(f'{{"type": "x"}}\n{{"timestamp": "{later(hours=-3)}"}}\n')
    assert not reason(project, wants_to_end(**old), ML_INTERN_TIME_BUDGET="2h")
    assert reason(project, wants_to_end(**old), ML_INTERN_TIME_BUDGET="4h")
    start = {"hook_event_name": "SessionStart", "source": "resume"}
    project.fire("session_start", start, ML_INTERN_TIME_BUDGET="2h")
    assert reason(project, wants_to_end(**old), ML_INTERN_TIME_BUDGET="2h"), "a resumed session has its own budget"


class TestLastMinutes:
    @pytest.fixture
    def late(self, tmp_path: Path, home: Path) -> Project:
        project = Project(tmp_path / "late", home, deadline=later(minutes=8))
        (project.data / "plan.md").write_text(PLAN)
        return project

    def launch(self, project: Project) -> None:
        project.reserve("python train.py", where="local", trains=False)
        project.fire("post_tool_use", bash("python train.py", "{'loss': '1.0'}"))

    def test_nothing_was_started(self, late: Project) -> None:
        assert not reason(late)

    def test_unsaved_is_said_once(self, late: Project) -> None:
        self.launch(late)
        assert "Save or push" in reason(late)
        (late.folder / "changed.txt").write_text("progress")
        assert not reason(late)

    def test_saved_weights_are_enough(self, late: Project) -> None:
        self.launch(late)
        (late.folder / "out/checkpoint-10").mkdir(parents=True)
        (late.folder / "out/checkpoint-10/adapter_model.safetensors").write_bytes(b"x")
        assert not reason(late)


def test_what_cannot_be_counted_is_not_blocked(alone: Project) -> None:
    (alone.data / "sessions").write_text("a file stands in its place")
    assert not reason(alone)


def test_ended_background_run_is_settled(alone: Project) -> None:
    """The client tells the model of its end, and no hook; its output lies beside the client's notes."""
    alone.reserve("python train.py", where="local", trains=False)
    alone.fire("post_tool_use", bash("python train.py", "", backgroundTaskId="b1"))
    tasks = alone.home / "session/tasks"
    tasks.mkdir(parents=True)
    (tasks / "b1.output").write_text("{'loss': '1'}\n")
    notes = {"CLAUDE_CODE_CHILD_NOTES_DIR": str(alone.home / "session/started")}
    assert "run train.py" in reason(alone, **notes)
    (tasks / "b1.output").write_text("{'loss': '1'}\n\n[exited with code 1]\n")
    assert "run train.py" not in reason(alone, **notes)
    assert alone.run().state == "failed"
