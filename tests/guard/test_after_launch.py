"""What became of a launch: job id, URL and state on file from what `hf` prints; refused and failed ones cost nothing."""

from __future__ import annotations

import fcntl
import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from guard.events import JOB, SUBMIT, URL, Project, bash, failed, read
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.run_record import runs_of
from ml_intern_helpers.runs.single_job_rule import unproven
from ml_intern_helpers.runs.timestamps import now, stamp
from support.helpers import ROOT

AGENT = f"id={JOB} name=train-1 url={URL}\n"
HUMAN = f"✓ Job started\n  id: {JOB}\n  name: train-1\n  url: {URL}\n"
AS_JSON = f'{{"id": "{JOB}", "name": "train-1", "url": "{URL}"}}\n'
HINT = f"Hint: Use `hf jobs logs -f ada/{JOB}` to stream logs, or `hf jobs inspect ada/{JOB}` to check status.\n"
STEP = "{'loss': '2.31', 'grad_norm': '1.2', 'learning_rate': '0.0001', 'epoch': '0.01'}\n"


def minutes_ago(project: Project, minutes: float) -> None:
    """The ledger as it would be had all its lines been written then."""
    path = project.data / "runs.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    at = stamp(now() - timedelta(minutes=minutes))
    path.write_text("".join(json.dumps({**line, "at": at}) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("command", "output", "url"),
    [
        pytest.param(SUBMIT, AGENT, URL, id="as-for-agents"),
        pytest.param(SUBMIT, HUMAN, URL, id="as-for-people"),
        pytest.param(f"{SUBMIT} --json", AS_JSON, URL, id="json"),
        pytest.param(SUBMIT, HINT, "", id="only-the-hint-on-stderr"),
        pytest.param(f"hf jobs uv run -q {SUBMIT[15:]}", f"{JOB}\n", "", id="quiet"),
        pytest.param(
            "python submit.py", f"JobInfo(id='{JOB}', status=JobStatus(stage='RUNNING'), url='{URL}')", URL, id="python"
        ),
    ],
)
def test_submitted_job_is_on_file(project: Project, command: str, output: str, url: str) -> None:
    reserved = project.reserve(command)
    said = project.context("post_tool_use", bash(command, output))
    run = project.run()
    assert (run.state, run.text("job_id"), run.text("url")) == ("running", JOB, url)
    assert (run.id, run.cost_usd) == (reserved.id, 6.0), "what was set aside stays so while it runs"
    assert said.count("\n") == 0
    assert JOB in said
    assert url in said
    assert "6.00 USD" in said
    assert "before you submit a second" in said


@pytest.mark.parametrize(
    ("event", "state", "trained"),
    [
        pytest.param(bash(SUBMIT, f"{AGENT}{STEP}Job {JOB} completed\n"), "completed", True, id="completed"),
        pytest.param(failed(SUBMIT, f"{AGENT}{STEP}Error: Job {JOB} finished with stage 'ERROR': x"), "failed", True, id="error"),
        pytest.param(failed(SUBMIT, f"{AGENT}Error: Job {JOB} finished with stage 'CANCELED'"), "stopped", False, id="cancelled"),
        pytest.param(failed(SUBMIT, f"Command timed out after 10m\n{AGENT}{STEP}", code=143), "running", True, id="call-ended"),
    ],
)
def test_attached_job_ends_as_the_client_says(project: Project, event: dict[str, object], state: str, trained: bool) -> None:
    project.reserve()
    minutes_ago(project, 0.5)
    project.fire("post_tool_use", event)
    run = project.run()
    assert (run.state, run.text("job_id")) == (state, JOB)
    assert bool(run.text("trained_at")) is trained
    ended = state != "running"
    assert (run.cost_usd, run.estimated) == ((0.025, True) if ended else (6.0, False)), "one minute from the launch to its end"


def test_refused_submission_frees_the_money(project: Project) -> None:
    project.reserve()
    said = project.context(
        "post_tool_use", failed(SUBMIT, "Error: Client error '402 Payment Required' for url 'https://x/api/jobs/ada'")
    )
    assert (project.run().state, project.run().cost_usd, project.run().settled) == ("failed", 0.0, True)
    assert "reservation is released" in said
    assert "cannot pay" in said


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("httpx2.RemoteProtocolError: Server disconnected without sending a response.", id="broken-connection"),
        pytest.param("Command timed out after 2m", id="cut-off"),
    ],
)
def test_submission_that_may_have_happened_keeps_its_money(project: Project, output: str) -> None:
    """The Hub may have taken the job before the connection broke: then it costs what was set aside."""
    run = project.reserve()
    said = project.context("post_tool_use", failed(SUBMIT, output))
    assert (project.run().state, project.run().cost_usd) == ("running", 6.0)
    assert f"--apply-release {run.id}" in said


def test_loop_becomes_one_line_for_each_job(project: Project) -> None:
    project.reserve(usd=18.0)
    ids = [f"{number:024x}" for number in (1, 2, 3)]
    output = "".join(f"id={one} name=x url=https://huggingface.co/jobs/ada/{one}\n" for one in ids)
    project.fire("post_tool_use", bash(f"for lr in 1 2 3; do {SUBMIT} --lr $lr; done", output))
    runs = runs_of(project.data).all
    assert [run.text("job_id") for run in runs] == ids
    assert [run.cost_usd for run in runs] == [6.0, 6.0, 6.0]
    assert {run.text("tool_use_id") for run in runs} == {"call-1"}


@pytest.mark.parametrize(
    ("event", "state"),
    [
        pytest.param(bash("python train.py", STEP), "completed", id="went-well"),
        pytest.param(failed("python train.py", "Segmentation fault", code=139), "failed", id="failed"),
        pytest.param(bash("python train.py", STEP, interrupted=True), "stopped", id="stopped-by-the-user"),
        pytest.param(bash("python train.py", "", backgroundTaskId="b1"), "running", id="in-the-background"),
        pytest.param(bash("nohup python train.py > train.log 2>&1 &", "[1] 4242"), "running", id="nohup"),
        pytest.param(bash("python train.py > train.log 2>&1", ""), "completed", id="redirected-is-not-the-background"),
        pytest.param(bash("cd a && python train.py", ""), "completed", id="and-is-not-the-background"),
    ],
)
def test_run_on_this_machine(project: Project, event: dict[str, object], state: str) -> None:
    project.reserve("python train.py", where="local", trains=False)
    project.fire("post_tool_use", event)
    assert project.run().state == state


def test_background_run_ends_when_its_output_is_read(project: Project) -> None:
    project.reserve("python train.py", where="local", trains=False)
    project.fire("post_tool_use", bash("python train.py", "", backgroundTaskId="b1"))
    assert project.context("post_tool_use", read("/tmp/x/tasks/b1.output", STEP)) == ""
    assert project.run().state == "running"
    project.fire("post_tool_use", read("/tmp/x/tasks/other.output", "\n[exited with code 0]\n"))
    assert project.run().state == "running"
    project.fire("post_tool_use", read("/tmp/x/tasks/b1.output", f"{STEP}\n[exited with code 0]\n"))
    assert (project.run().state, project.run().values["exit_code"]) == ("completed", 0)


def test_job_submitted_in_the_background_is_named_by_its_output(project: Project) -> None:
    project.reserve()
    assert "in the background" in project.context("post_tool_use", bash(SUBMIT, "", backgroundTaskId="b1"))
    said = project.context("post_tool_use", read("/tmp/x/tasks/b1.output", AGENT))
    assert URL in said
    assert project.run().text("job_id") == JOB


def test_launch_that_the_user_allowed_is_put_on_file(project: Project) -> None:
    """Nothing was set aside when it was asked about; what it costs counts all the same."""
    (project.folder / "train.py").write_text((ROOT / "skills/ml-intern/recipes/sft.py").read_text())
    log = '{"time": "2026-11-23T00:00:00Z", "session": "session-1", "call": "call-1", "decision": "ask"}\n'
    (project.data / "guard.log").write_text(log)
    project.fire("post_tool_use", bash(SUBMIT, AGENT))
    run = project.run()
    assert (run.state, run.text("job_id"), run.text("flavor")) == ("running", JOB, "a10g-large")
    assert (run.cost_usd or 0) > 1.0
    assert run.text("task") == "task-1"


def test_what_the_guard_never_saw_is_not_put_on_file(project: Project) -> None:
    (project.folder / "train.py").write_text((ROOT / "skills/ml-intern/recipes/sft.py").read_text())
    assert project.fire("post_tool_use", bash(SUBMIT, AGENT)) is None
    assert runs_of(project.data).all == []


def test_schedule_is_no_job_to_wait_for(project: Project) -> None:
    command = "hf jobs scheduled uv run @daily train.py"
    project.reserve(command)
    hint = f"Hint: Use `hf jobs scheduled inspect ada/{JOB}` to view its details."
    said = project.context("post_tool_use", bash(command, f"id={JOB} name=train-1\n{hint}"))
    assert f"hf jobs scheduled delete {JOB}" in said
    assert unproven(runs_of(project.data), "task-1") is None


def test_second_answer_about_one_call_changes_nothing(project: Project) -> None:
    project.reserve()
    project.fire("post_tool_use", bash(SUBMIT, AGENT))
    before = (project.data / "runs.jsonl").read_bytes()
    assert project.fire("post_tool_use", bash(SUBMIT, AGENT)) is None
    assert (project.data / "runs.jsonl").read_bytes() == before


class TestWatching:
    """The first job holds the next until it was seen training."""

    @pytest.fixture
    def running(self, project: Project) -> Project:
        project.reserve()
        project.fire("post_tool_use", bash(SUBMIT, AGENT))
        assert self.holds(project)
        return project

    def holds(self, project: Project) -> bool:
        task = task_for(project.folder)
        return unproven(runs_of(project.data), task.id if task else None) is not None

    @pytest.mark.parametrize(
        "event",
        [
            pytest.param(bash(f"hf jobs logs {JOB}", STEP), id="logs"),
            pytest.param(bash(f"hf jobs logs -f --tail 20 ada/{JOB} | tail -5", STEP), id="logs-with-account-piped"),
            pytest.param(failed(f"timeout 60 hf jobs logs -f {JOB}", STEP, code=124), id="followed-for-a-minute"),
            pytest.param(bash(f"hf jobs wait {JOB}", f"id\tstage\tmessage\n{JOB}\tCOMPLETED\tNone\n"), id="waited-for"),
            pytest.param(
                bash(f"hf jobs inspect {JOB} --json", f'[{{"id": "{JOB}", "status": {{"stage": "COMPLETED"}}}}]'), id="inspected"
            ),
        ],
    )
    def test_is_let_go(self, running: Project, event: dict[str, object]) -> None:
        assert "another may be submitted" in running.context("post_tool_use", event)
        assert not self.holds(running)

    @pytest.mark.parametrize(
        "event",
        [
            pytest.param(bash(f"hf jobs logs {JOB}", "Installing packages\n"), id="nothing-yet"),
            pytest.param(bash("hf jobs logs 000000000000000000000009", STEP), id="another-job"),
            pytest.param(bash(f"hf jobs logs {JOB}; hf jobs logs 000000000000000000000009", STEP), id="two-jobs-mixed"),
            pytest.param(bash("cat other.log", STEP), id="another-file"),
            pytest.param(bash(f"hf jobs logs {JOB}", STEP.replace("2.31", "nan")), id="not-a-number"),
            pytest.param(bash("hf jobs ps", f"job_id\tname\tstatus\truntime\n{JOB}\tx\tRUNNING\t3m\n"), id="only-running"),
            pytest.param(bash(f'echo "hf jobs logs {JOB}"', f"hf jobs logs {JOB}"), id="only-spoken-of"),
        ],
    )
    def test_is_held(self, running: Project, event: dict[str, object]) -> None:
        running.fire("post_tool_use", event)
        assert self.holds(running)

    def test_log_file_of_a_redirected_job(self, project: Project) -> None:
        project.reserve()
        project.fire("post_tool_use", bash(f"{SUBMIT} > logs/a.log 2>&1 &", AGENT))
        project.fire("post_tool_use", bash("tail -3 elsewhere/a.log", STEP))
        assert self.holds(project)
        project.fire("post_tool_use", bash("tail -3 logs/a.log", STEP))
        assert not self.holds(project)

    def test_ended_job_is_settled(self, running: Project) -> None:
        job = f'[{{"id": "{JOB}", "status": {{"stage": "ERROR", "message": "exit 1"}}, "durations": {{"running_secs": 590}}}}]'
        said = running.context("post_tool_use", bash(f"hf jobs inspect {JOB} --json", job))
        assert (running.run().state, running.run().cost_usd) == ("failed", 0.25)
        assert "cost 0.25 USD" in said

    @pytest.mark.parametrize(
        ("command", "output"),
        [
            pytest.param(f"hf jobs cancel ada/{JOB}", f"id={JOB}\n", id="as-for-agents"),
            pytest.param(f"hf jobs cancel {JOB}", f"✓ Job cancelled\n  id: {JOB}\n", id="as-for-people"),
            pytest.param(f"hf jobs cancel {JOB} --format json", f'{{"id": "{JOB}"}}\n', id="json"),
            pytest.param(f"hf jobs cancel --quiet {JOB}", f"{JOB}\n", id="quiet"),
            pytest.param("hf jobs ps -q | xargs -n1 hf jobs cancel", f"id={JOB}\n", id="named-in-the-output-alone"),
        ],
    )
    def test_cancelled_job_holds_nothing_and_costs_the_time_until_now(self, project: Project, command: str, output: str) -> None:
        self.launched(project, minutes=19.5)
        said = project.context("post_tool_use", bash(command, output, call="call-2"))
        run = project.run()
        assert (run.state, run.cost_usd, run.settled, run.estimated) == ("stopped", 0.5, True, True)
        assert run.text("settled_from") == "estimated: at most 20 min since it was put on file x 1.50 USD/h"
        assert "it cost at most 0.50 USD, which is an estimate" in said
        assert not self.holds(project)

    @pytest.mark.parametrize(
        ("command", "output", "state"),
        [
            pytest.param(
                f"hf jobs cancel {JOB} || true", f"Error: 404 for url 'https://x/{JOB}/cancel'", "stopped", id="refused"
            ),
            pytest.param(f"hf jobs cancel {JOB} > /dev/null", "", "stopped", id="not-seen"),
            pytest.param("hf jobs cancel $OTHER; hf jobs ps --format json", f'[{{"id": "{JOB}"}}]', "running", id="another-one"),
            pytest.param(f"echo hf jobs cancel; hf jobs logs {JOB}", f"id={JOB} and more", "running", id="only-spoken-of"),
        ],
    )
    def test_no_word_of_its_end_leaves_the_money_set_aside(self, running: Project, command: str, output: str, state: str) -> None:
        running.fire("post_tool_use", bash(command, output, call="call-2"))
        assert running.run().cost_usd == 6.0
        assert (running.run().state, running.run().settled) in ((state, False), ("stopped", False))

    @pytest.mark.parametrize(("minutes", "usd"), [(-180, 6.0), (600, 6.0)], ids=["clock-set-back", "longer-than-its-limit"])
    def test_an_estimate_is_never_made_up(self, project: Project, minutes: float, usd: float) -> None:
        self.launched(project, minutes=minutes)
        project.fire("post_tool_use", bash(f"hf jobs cancel {JOB}", f"id={JOB}\n", call="call-2"))
        assert (project.run().state, project.run().cost_usd, project.run().settled) == ("stopped", usd, False)

    def test_a_table_without_running_times_is_estimated_and_the_hub_knows_better(self, project: Project) -> None:
        """Not 0.00 USD, which a cancelled job costs only when the Hub says that it never began."""
        self.launched(project, minutes=59.5)
        project.fire("post_tool_use", bash(f"hf jobs wait {JOB}", f"id\tstage\tmessage\n{JOB}\tCANCELED\t\n", call="call-2"))
        assert (project.run().state, project.run().cost_usd, project.run().estimated) == ("stopped", 1.5, True)
        known = f'[{{"id": "{JOB}", "status": {{"stage": "CANCELED"}}, "durations": {{"running_secs": 590}}}}]'
        said = project.context("post_tool_use", bash(f"hf jobs inspect {JOB}", known, call="call-3"))
        assert (project.run().cost_usd, project.run().settled, project.run().estimated) == (0.25, True, False)
        assert "it cost 0.25 USD" in said or said == ""

    @staticmethod
    def launched(project: Project, minutes: float) -> None:
        """A running job that was put on file so long ago."""
        project.reserve()
        project.fire("post_tool_use", bash(SUBMIT, AGENT))
        minutes_ago(project, minutes)

    def test_narrow_table_names_the_job_by_its_beginning(self, running: Project) -> None:
        table = f"JOB_ID         NAME  STATUS RUNTIME\n-------------- ----- ------ -------\n{JOB[:11]}... train ERROR 1m 40s\n"
        running.fire("post_tool_use", bash("hf jobs ps -a", table))
        assert running.run().state == "failed"


@pytest.mark.parametrize("kind", ["corrupt-line", "a-folder-in-its-place"])
def test_ledger_in_trouble_is_survived(project: Project, kind: str) -> None:
    project.reserve()
    ledger = project.data / "runs.jsonl"
    if kind == "corrupt-line":
        ledger.write_bytes(b"\xff{{{\n" + ledger.read_bytes())
    elif kind == "a-folder-in-its-place":
        ledger.unlink()
        ledger.mkdir()
    project.fire("post_tool_use", bash(SUBMIT, AGENT))
    if kind == "corrupt-line":
        assert project.run().text("job_id") == JOB


def test_what_is_seen_while_the_ledger_is_locked_is_not_lost(project: Project) -> None:
    """Another session is stopped in the middle of its work, for longer than a hook may take."""
    project.reserve()
    with (project.data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        start = time.monotonic()
        assert JOB in project.context("post_tool_use", bash(SUBMIT, AGENT))
        said = project.context("post_tool_use", bash(f"hf jobs logs {JOB}", STEP, call="call-2"))
        assert time.monotonic() - start < 15, "the client ends a hook after 20 s"
        assert "was seen training" in said
    assert (project.run().text("job_id"), bool(project.run().text("trained_at"))) == (JOB, True)
    before = project.reserve(call="call-3")
    assert [run.text("job_id") for run in runs_of(project.data).all] == [JOB, before.text("job_id")]
    assert not list(project.data.glob("*.late-*")), "the next writer took them in"


def test_project_without_us_gets_nothing(tmp_path: Path, home: Path) -> None:
    project = Project(tmp_path, home, task=False)
    assert project.fire("post_tool_use", bash("python prepare.py", "done")) is None
    assert project.fire("post_tool_use", failed("pytest -q", "KeyError: 'text'")) is None
    assert not project.data.exists()
