"""The full story, headless: eight mistakes are stopped before anything is submitted, the corrected job trains and is watched.

Everything is real but the model and the places: the client, its hooks, the released `hf`, the job's training and its push to a
Hub on loopback whose jobs run the script that was submitted.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.client import ROOT, Session, claude, helper_script, run_session
from support.helpers import ROOT as REPOSITORY
from support.jobs_hub import JobsHub
from support.training import training_python

pytestmark = [pytest.mark.client, pytest.mark.training, pytest.mark.timeout(420)]

SCRIPT = """# /// script
# requires-python = ">=3.11"
# dependencies = ["trl>=1.16", "transformers>=5.23", "torch>=2.13", "datasets>=5.2", "peft>=0.21"]
# ///
import peft
import torch
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

print("peft", peft.__version__)
gpu = torch.cuda.is_available()
data = load_dataset("ada/chat", split="train", revision="main")
config = SFTConfig(
    output_dir="out", max_length=128, per_device_train_batch_size=4, gradient_accumulation_steps=2, num_train_epochs=1,
    disable_tqdm=True, logging_strategy="steps", logging_steps=1, logging_first_step=True, report_to="none", seed=42,
    bf16=gpu, use_cpu=not gpu, push_to_hub=True, hub_model_id="ada/tuned", hub_private_repo=True,
)
trainer = SFTTrainer("ada/tiny", args=config, train_dataset=data)
trainer.train()
trainer.save_model("out")
"""
TASK = (
    f"{helper_script(ROOT, 'task')} agree --request 'fine-tune ada/tiny on ada/chat on Jobs, at most 10 USD' --method sft "
    "--adapter full --base-model ada/tiny --dataset ada/chat,split=train --max-length 128 --effective-batch 8 --tracking none "
    "--hub-id ada/tuned --where jobs --account ada --spend-cap 10"
)
LAUNCH = "hf jobs uv run --flavor t4-small --timeout 2h --secrets HF_TOKEN -d -- train.py"
SWEEP = f"for seed in 1 2 3; do {LAUNCH}; done"
JOB = f"{1:024x}"


class Mistake(NamedTuple):
    """A piece of the right script or launch, what stands there instead at first, and how it is told."""

    right: str
    wrong: str
    told: str


#: In the order in which the model mends them; the first launch has all eight.
MISTAKES = {
    "invented import": Mistake("SFTConfig, SFTTrainer\n", "SFTConfig, SFTScriptArguments, SFTTrainer\n", "API102"),
    "wrong argument": Mistake("max_length=128", "max_seq_length=128", "API101"),
    "assumed columns": Mistake('revision="main")', 'revision="main").select_columns(["question", "answer"])', "DATA102"),
    "lost model": Mistake("push_to_hub=True", "push_to_hub=False", "SAVE101"),
    "package not installed": Mistake(', "peft>=0.21"', "", "PKG101"),
    "default timeout": Mistake("--timeout 2h ", "", "LAUNCH101"),
    "swapped dataset": Mistake('"ada/chat"', '"somebody/other"', "the user agreed to ada/chat"),
    "whole batch at once": Mistake(LAUNCH, SWEEP, "no job with this script has been seen training"),
}


def stages() -> list[tuple[str, str]]:
    """(script, launch) with all mistakes, then with one less each time; the last has none."""
    found = []
    names = list(MISTAKES)
    for mended in range(len(names) + 1):
        script, launch = SCRIPT, SWEEP if mended < len(names) else LAUNCH
        for name in names[mended:]:
            right, wrong, _ = MISTAKES[name]
            script = script.replace(right, wrong, 1) if right in SCRIPT else script
            launch = launch.replace(right, wrong) if name == "default timeout" else launch
        found.append((script, launch))
    return found


def bash(command: str) -> dict[str, Any]:
    return {"tool": "Bash", "input": {"command": command, "timeout": 240000}}


def turns() -> list[dict[str, Any]]:
    found = [bash(TASK)]
    for script, launch in stages():
        found += [{"tool": "Write", "input": {"file_path": "train.py", "content": script}}, bash(launch)]
    found += [bash(f"hf jobs wait {JOB}"), bash(f"hf jobs logs {JOB}")]
    found += [bash(f"{helper_script(ROOT, 'budget')} --apply-hub"), bash(f"{helper_script(ROOT, 'task')} close --reason done")]
    return [*found, {"text": "RESULT: done: ada/tuned is on the Hub"}]


def stocked(hub: JobsHub, folder: Path) -> None:
    """The base model, small and random, and 48 rows to train on."""
    rows = (REPOSITORY / "examples/chat.jsonl").read_text().splitlines()[:48]
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n")
    make = [
        training_python(),
        REPOSITORY / "examples/make_tiny_model.py",
        "--data",
        folder / "rows.jsonl",
        "--output",
        folder / "tiny",
    ]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"})
    hub.add("model", "ada/tiny", {path.name: path.read_bytes() for path in (folder / "tiny").iterdir()})
    hub.add("dataset", "ada/chat", {"train.jsonl": (folder / "rows.jsonl").read_bytes()})


class Story(NamedTuple):
    """The session, its folder, and the Hub as it was left."""

    session: Session
    work: Path
    hub: JobsHub

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.work / ".ml-intern" / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    claude()
    folder = tmp_path_factory.mktemp("story")
    allowed = "Write,Edit,Bash(*/scripts/task.sh*),Bash(*/scripts/budget.sh*),Bash(hf jobs *),Bash(for *)"
    with JobsHub(folder / "jobs") as hub:
        stocked(hub, folder)
        client = hub.client(folder / "home")
        path, variables = client.pop("PATH"), {name: value for name, value in client.items() if name != "HOME"}
        session = run_session(
            folder, turns(), ["fine-tune ada/tiny on Jobs, at most 10 USD"], "--plugin-dir", str(ROOT), "--allowedTools", allowed,
            limit_s=360, path=path, **variables,
        )  # fmt: skip
        return Story(session, folder / "work", hub)


def test_the_session_ends_with_its_result(story: Story) -> None:
    story.session.check()
    assert story.session.result["result"].startswith("RESULT: done")


def test_each_mistake_is_told_until_it_is_mended_and_stopped_before_submission(story: Story) -> None:
    results = story.session.tool_results()
    told = [text for text, is_error in results[2:18:2] if is_error]
    assert len(told) == len(MISTAKES), "every launch with a mistake left was held"
    for number, mistake in enumerate(MISTAKES.values()):
        assert mistake.told in told[number], told[number]
        assert all(mistake.told not in later for later in told[number + 1 :])
    decisions = [(line["decision"], len(line["codes"])) for line in story.lines("guard.log")]
    assert decisions == [
        ("deny", 6),
        ("deny", 5),
        ("deny", 4),
        ("deny", 3),
        ("deny", 2),
        ("deny", 1),
        ("ask", 2),
        ("ask", 1),
        ("pass", 0),
    ]
    assert len(story.session.denials) == len(MISTAKES)


def test_one_job_was_submitted_and_it_was_the_right_one(story: Story) -> None:
    [job] = story.hub.submitted
    assert (job.spec["flavor"], job.spec["timeoutSeconds"], job.spec["owner"]["name"]) == ("t4-small", 7200, "ada")
    assert list(story.hub.bucket.values()) == [SCRIPT.encode()], "nothing of the wrong scripts was uploaded"


def test_the_job_trained_and_its_model_is_on_the_hub(story: Story) -> None:
    [job] = story.hub.submitted
    assert job.stage == "COMPLETED", job.text
    assert job.text.count("'loss':") == 6
    tuned, base = story.hub.repo("model", "ada/tuned"), story.hub.repo("model", "ada/tiny")
    assert tuned.private
    assert tuned.files["model.safetensors"] != base.files["model.safetensors"]


def test_the_job_was_watched(story: Story) -> None:
    launched, waited, log = (text for text, _ in story.session.tool_results()[18:21])
    assert JOB in launched
    assert "COMPLETED" in waited
    assert log.count("'loss':") == 6


def test_the_ledger_shows_it(story: Story) -> None:
    lines = story.lines("runs.jsonl")
    assert [line["event"] for line in lines].count("launch") == 1
    run: dict[str, Any] = {}
    for line in lines:
        run |= line
    assert (run["job_id"], run["state"], run["where"], run["reserved_usd"]) == (JOB, "completed", "jobs", 0.8)
    assert run["trained_at"]
    assert 0 < run["settled_usd"] < 0.1, "what it ran for, not what was set aside"
    shown = story.session.tool_results()[21][0]
    assert "10.00" in shown or "10 USD" in shown
    assert story.hub.token not in "".join(path.read_text() for path in (story.work / ".ml-intern").iterdir() if path.is_file())
