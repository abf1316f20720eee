"""The launch guard in sessions of the real client: what is held, what the model and the user read, and what goes through.

`hf` is a stand-in here that takes every job (tests/client/test_story.py has the real one); what is looked at is the client.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from guard.project import GOOD, JOB
from runs import tasks
from support.client import PLAIN_PATH, ROOT, Session, claude, helper_script, run_session
from support.permission_host import Host

pytestmark = [pytest.mark.client, pytest.mark.timeout(420)]

HF = r"""#!/bin/sh
case "$*" in
  *broken*) echo "ValueError: no such thing" >&2; exit 1 ;;
  "jobs logs"*) echo "{'loss': '2.31', 'grad_norm': '1.9', 'epoch': '0.01'}" ;;
  *) count=$(cat count 2>/dev/null || echo 0); count=$((count + 1)); echo $count >count
     printf '✓ Job started\n  id: %024d\n  name: x\n  url: https://huggingface.co/jobs/ada/%024d\n' $count $count ;;
esac
"""
SCRIPTS = {
    "train.py": ("", ""),
    "bad_import.py": ("SFTConfig, SFTTrainer\n", "SFTConfig, SFTScriptArguments, SFTTrainer\n"),
    "bad_argument.py": ("max_length=", "max_seq_length="),
    "bad_columns.py": ('revision="main")', 'revision="main").select_columns(["question"])'),
    "bad_push.py": ("push_to_hub=True", "push_to_hub=False"),
    "bad_packages.py": ('"peft>=0.21", ', ""),
    "other_data.py": ("trl-lib/Capybara", "some/thing"),
    "full.py": (", peft_config=LoraConfig(r=16)", ""),
    "shorter.py": ("max_length=2048", "max_length=1024"),
}


class Step(NamedTuple):
    """One Bash call; `held` are words of the reason that stops it, `runs` words of its output."""

    command: str
    held: str = ""
    runs: str = ""


def job(script: str, *options: str) -> str:
    return JOB.replace("-d", " ".join([*options, "-d"])).replace("train.py", script)


JOBS = [f"{number:024}" for number in range(1, 9)]
TASK = helper_script(ROOT, "task")
AGREE = (
    f"{TASK} agree --request x --method sft --adapter full --base-model m --dataset d --max-length 128 --effective-batch 8 "
    "--where jobs --account ada"
)
#: Each rule: the bad launch, and what is right of it further down.
STEPS = [
    Step(job("bad_import.py"), held="API102 error bad_import.py:7: trl.SFTScriptArguments does not exist"),
    Step(job("bad_argument.py"), held="write max_length="),
    Step(job("bad_columns.py"), held="DATA102"),
    Step(JOB.replace("--timeout 3h ", ""), held="Jobs stop the run after 30 minutes"),
    Step(job("bad_push.py"), held="SAVE101"),
    Step(job("bad_packages.py"), held="PKG101"),
    Step(job("other_data.py"), held="the user agreed to trl-lib/Capybara"),
    Step(job("full.py"), held="the user agreed to lora"),
    Step(job("shorter.py"), held="the user agreed to 2048"),
    Step(f"for s in 1 2 3; do {JOB}; done", held="no job with this script has been seen training"),
    Step(JOB.replace("a10g-large", "a100x8"), held="are left for the task"),
    Step(
        "hf jobs scheduled uv run --flavor a10g-large --timeout 3h --secrets HF_TOKEN @daily -- train.py", held="again and again"
    ),
    Step(job("train.py", "--namespace bigcorp"), held="the user agreed to ada"),
    Step(JOB, runs=JOBS[0]),
    Step(job("train.py", "--name second"), held="has not been seen training"),
    Step(f"hf jobs logs {JOBS[0]}", runs="'loss'"),
    Step(job("train.py", "--name second"), runs=JOBS[1]),
    Step(f"hf jobs logs {JOBS[1]}", runs="'loss'"),
    Step(job("train.py", "--name broken"), runs="no such thing"),
    Step(job("train.py", "--name broken"), runs="no such thing"),
    Step(job("train.py", "--name broken"), held="failed twice in a row"),
    Step(job("train.py", "--name mended"), runs=JOBS[2]),
    Step(f"{TASK} close --reason 'the test is over'", runs="CLOSED"),
    # What the prompt names is good for one agreement, and for no more than it names.
    Step(f"{AGREE} --spend-cap 100", held="names a spend cap of 100.00 USD"),
    Step(f"{AGREE} --spend-cap 12", runs="OPEN"),
    Step(f"{TASK} close --reason 'once more'", runs="CLOSED"),
    Step(f"{AGREE} --spend-cap 12", held="since the last task was agreed"),
]
#: With a person to ask: what the user says yes and no to.
ASKED = [
    Step(job("bad_argument.py"), held="write max_length="),
    Step(job("other_data.py", "--name yes"), runs=JOBS[0]),
    Step(f"hf jobs logs {JOBS[0]}", runs="'loss'"),
    Step(job("full.py", "--name no"), held="The user said no."),
    Step(JOB, runs=JOBS[1]),
]
#: Nobody allowed Bash: the client refuses after the guard, twice, and the guard must not hold the second for the first.
REFUSED = [Step(JOB, held="requires approval"), Step(JOB, held="requires approval")]
MODES = {
    "default": (STEPS, ["--allowedTools", "Bash"]),
    "bypassPermissions": (STEPS, ["--permission-mode", "bypassPermissions"]),
    "asked": (ASKED, ["--allowedTools", "Bash"]),
    "refused": (REFUSED, []),
}


@dataclass
class Played:
    """A finished session with its project."""

    session: Session
    work: Path
    steps: list[Step]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.work / ".ml-intern" / name).read_text().splitlines()]

    def states(self) -> list[str]:
        """The last state of every run, in the order of the launches."""
        found: dict[str, str] = {}
        for line in self.lines("runs.jsonl"):
            found[line["id"]] = line.get("state", found.get(line["id"], ""))
        return list(found.values())


def play(folder: Path, mode: str) -> Played:
    steps, permissions = MODES[mode]
    work, tools = folder / "work", folder / "bin"
    for one in (work, tools):
        one.mkdir(parents=True)
    (tools / "hf").write_text(HF)
    (tools / "hf").chmod(0o755)
    for name, (old, new) in SCRIPTS.items():
        (work / name).write_text(GOOD.replace(old, new, 1))
    tasks.on_file(work, spend_cap_usd=40)
    host = Host(lambda request: "--name no" not in request["input"]["command"]) if mode == "asked" else None
    turns = [{"tool": "Bash", "input": {"command": step.command}} for step in steps]
    session = run_session(
        folder, [*turns, {"text": "end"}], ["go, at most 12 USD"], "--plugin-dir", str(ROOT), *permissions,
        limit_s=300, path=f"{tools}:{PLAIN_PATH}", host=host, IS_SANDBOX="1", HF_TOKEN="hf_" + "a" * 24,
    )  # fmt: skip
    return Played(session, work, steps, host.asked if host else [])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    claude()
    folder = tmp_path_factory.mktemp("guard")
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODES, pool.map(lambda mode: play(folder / mode, mode), MODES), strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_what_is_bad_is_stopped_with_its_reason_and_what_is_right_goes_through(played: dict[str, Played], mode: str) -> None:
    one = played[mode]
    one.session.check()
    results = one.session.tool_results()
    assert len(results) == len(one.steps)
    for step, (text, is_error) in zip(one.steps, results, strict=True):
        wanted = step.held or step.runs
        assert wanted in text, (step.command, text)
        assert is_error == (bool(step.held) or "no such thing" in wanted), (step.command, text)


@pytest.mark.parametrize("mode", ["default", "bypassPermissions"])
def test_the_ledger_and_the_log_tell_the_same_story(played: dict[str, Played], mode: str) -> None:
    one = played[mode]
    assert one.states() == ["running", "running", "failed", "failed", "running"]
    launches = [line for line in one.lines("runs.jsonl") if line.get("event") == "launch"]
    assert {line["where"] for line in launches} == {"jobs"}
    decisions = [line["decision"] for line in one.lines("guard.log")]
    looked_at = [step for step in one.steps if step.held or ("hf jobs" in step.command and "logs" not in step.command)]
    held = [bool(step.held) for step in looked_at]
    assert [decision != "pass" for decision in decisions] == held
    assert one.session.denials == [step.command for step in one.steps if step.held]


def test_a_deny_reaches_nobody_but_the_model(played: dict[str, Played]) -> None:
    commands = [request["input"]["command"] for request in played["asked"].asked]
    assert commands == [job("other_data.py", "--name yes"), job("full.py", "--name no")]


def test_the_user_reads_the_reason_and_decides(played: dict[str, Played]) -> None:
    yes, no = played["asked"].asked
    assert "the dataset is some/thing; the user agreed to trl-lib/Capybara" in yes["decision_reason"]
    assert "the training is full; the user agreed to lora" in no["decision_reason"]
    assert {one["decision_reason_hook_source"] for one in (yes, no)} == {"plugin:ml-intern"}


def test_what_the_user_said_yes_to_is_on_file_and_what_not_is_not(played: dict[str, Played]) -> None:
    assert played["asked"].states() == ["running", "running"]
    commands = [line["command"] for line in played["asked"].lines("runs.jsonl") if line.get("event") == "launch"]
    assert ["--name yes" in command for command in commands] == [True, False]


def test_a_call_that_the_client_refused_costs_nothing_and_holds_nobody(played: dict[str, Played]) -> None:
    """The guard lets it pass, the client's own rules do not: what was set aside comes back before the next launch."""
    assert [line["decision"] for line in played["refused"].lines("guard.log")] == ["pass", "pass"]
    assert set(played["refused"].states()) <= {"released", "reserved"}
    assert played["refused"].states()[0] == "released"
