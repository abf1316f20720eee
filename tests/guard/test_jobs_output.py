"""What the real `hf` prints about jobs is read right, in each of its formats."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_intern_helpers.guard import jobs_output
from support.helpers import clean_environment
from support.hub import Hub
from support.training import training_python

pytestmark = pytest.mark.training


class Client:
    """The `hf` of the training environment, and a Hub with one job on it that has failed."""

    def __init__(self, hub: Hub, home: Path) -> None:
        self.hub, self.home = hub, home
        self.run("jobs", "run", "-d", "python:3.12", "true")
        times = {"startedAt": "2026-11-23T00:00:00.000Z", "finishedAt": "2026-11-23T00:09:50.000Z"}
        hub.jobs[0] |= {**times, "status": {"stage": "ERROR", "message": "exit 1"}, "durations": {"runningSecs": 590}}
        self.failed = str(hub.jobs[0]["id"])

    def run(self, *arguments: str) -> str:
        """stdout and stderr, as the Bash tool gives them; in a narrow terminal, which cuts tables for people."""
        env = {**clean_environment(self.home), "HF_ENDPOINT": self.hub.url, "HF_TOKEN": self.hub.token, "COLUMNS": "80"}
        call = [training_python().parent / "hf", *arguments]
        done = subprocess.run(call, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Hub() as hub:
        yield Client(hub, tmp_path_factory.mktemp("hf"))


@pytest.mark.parametrize("form", ["agent", "human", "json", "quiet"])
def test_submitted_job_is_named(client: Client, form: str) -> None:
    arguments = ["jobs", "run", "-d", "--format", form, "--flavor", "t4-small", "python:3.12", "python", "train.py"]
    output = client.run(*arguments)
    [found] = jobs_output.started(f"hf {' '.join(arguments)}", output)
    job_id = client.hub.jobs[-1]["id"]
    assert found.id == job_id, output
    if form != "quiet":
        assert (found.account, found.url) == ("ada", f"{client.hub.url}/jobs/ada/{job_id}")


@pytest.mark.parametrize("form", ["agent", "json"])
def test_inspected_job_tells_stage_and_seconds(client: Client, form: str) -> None:
    output = client.run("jobs", "inspect", client.failed, "--format", form)
    told = jobs_output.reported(client.failed, output)
    assert told is not None, output
    assert (told["status"]["stage"], told["durations"]["runningSecs"]) == ("ERROR", 590)
    assert jobs_output.reported("f" * 24, output) is None


@pytest.mark.parametrize("form", ["agent", "human", "json"])
def test_job_that_was_waited_for_tells_its_stage(client: Client, form: str) -> None:
    told = jobs_output.reported(client.failed, client.run("jobs", "wait", client.failed, "--format", form))
    assert told is not None
    assert told["status"]["stage"] == "ERROR"


@pytest.mark.parametrize("form", ["agent", "json"])
def test_listed_job_tells_its_stage(client: Client, form: str) -> None:
    told = jobs_output.reported(client.failed, client.run("jobs", "ps", "-a", "--format", form))
    assert told is not None
    assert told["status"]["stage"] == "ERROR"
