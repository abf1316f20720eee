"""The launch guard as the client starts it: what is sent back, what is asked about, what passes, and what is put on file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guard.project import GOOD, JOB, Project
from support.helpers import ROOT

SEEN = {"id": "run-0", "state": "running", "trained_at": "2026-11-23T01:20:00.000Z", "reserved_usd": 4.5, "job_id": "a1"}
DATA = 'load_dataset("trl-lib/Capybara", split="train", revision="main")'
SWEEP = f"for lr in 1e-4 2e-4 3e-4; do {JOB}; done"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


#: name -> (script, command, code, words of the reason): the eight mistakes that the model mends by itself.
MISTAKES = {
    "invented-import": (
        changed("SFTConfig, SFTTrainer", "SFTConfig, SFTScriptArguments, SFTTrainer"),
        JOB,
        "API102",
        "SFTScript",
    ),
    "wrong-argument": (changed("max_length=2048", "max_seq_length=2048"), JOB, "API101", "write max_length="),
    "assumed-columns": (changed(DATA, f'{DATA}.select_columns(["question", "answer"])'), JOB, "DATA102", "answer, question"),
    "default-timeout": (GOOD, JOB.replace("--timeout 3h ", ""), "LAUNCH101", "30 minutes"),
    "lost-model": (changed("push_to_hub=True", "push_to_hub=False"), JOB, "SAVE101", "disk is deleted"),
    "package-not-installed": (changed('"peft>=0.21", ', ""), JOB, "PKG101", "peft"),
    "no-such-script": (GOOD, JOB.replace("train.py", "later.py"), "LAUNCH107", "no file later.py"),
    "token-on-the-line": (GOOD, JOB.replace("-d", f"-e HF_TOKEN=hf_{'a' * 24} -d"), "LAUNCH109", "command line"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_sent_back_with_its_fix(project: Project, name: str) -> None:
    script, command, code, words = MISTAKES[name]
    project.agree()
    project.write("train.py", script)
    answer = project.ask(command)
    assert (answer.kind, answer.code, answer.stderr) == ("deny", 0, "")
    assert f"\n{code} error " in answer.reason
    assert words in answer.reason
    assert "\n    fix:  " in answer.reason
    assert project.runs() == [], "what is sent back costs nothing"
    [line] = project.log()
    assert (line["decision"], code in line["codes"], line["call"]) == ("deny", True, "call-1")


def test_the_same_launch_without_a_mistake_passes_and_is_on_file(project: Project) -> None:
    project.agree()
    answer = project.ask(JOB)
    assert answer.kind == ""
    [run] = project.runs()
    expected = {
        "state": "reserved",
        "where": "jobs",
        "reserved_usd": 4.5,
        "task": "task-1",
        "tool_use_id": "call-1",
        "trains": True,
    }
    assert {name: run[name] for name in expected} == expected
    assert run["script_sha256"]


#: name -> (task, script, command, ledger, codes, words): what is the user's to decide.
QUESTIONS: dict[str, tuple[dict[str, Any] | None, str, str, list[dict[str, Any]], set[str], str]] = {
    "no-task": (None, GOOD, JOB, [], {"SPEND"}, "no task is on file"),
    "no-cap": ({"spend_cap_usd": 0}, GOOD, JOB, [], {"SPEND"}, "4.50 USD"),
    "over-the-cap": ({"spend_cap_usd": 4}, GOOD, JOB, [], {"SPEND"}, "4.00 of 4.00 USD are left"),
    "over-what-is-left": ({}, GOOD, JOB, [{**SEEN, "reserved_usd": 6}], {"SPEND"}, "4.00 of 10.00 USD are left for the task"),
    "over-the-day": ({"spend_cap_usd_per_day": 4}, GOOD, JOB, [], {"SPEND"}, "for the last 24 hours"),
    "time-is-over": ({"deadline": "2026-01-01T00:00:00Z"}, GOOD, JOB, [], {"SPEND"}, "agreed time is over"),
    "closed-task": ({"state": "closed"}, GOOD, JOB, [], {"SPEND"}, "the task is closed"),
    "attempts": ({}, GOOD, JOB.replace("-d", "--attempts 3 -d"), [], {"SPEND"}, "13.50 USD"),
    "scheduled": (
        {},
        GOOD,
        "hf jobs scheduled uv run --flavor a10g-large --timeout 3h --secrets HF_TOKEN @daily -- train.py",
        [],
        {"LAUNCH114", "SPEND"},
        "again and again",
    ),
    "other-account": ({}, GOOD, JOB.replace("-d", "--namespace bigcorp -d"), [], {"TERM:account"}, "agreed to ada"),
    "other-place": ({"where": "local"}, GOOD, JOB, [], {"TERM:where"}, "the place is jobs; the user agreed to local"),
    "other-data": ({}, changed("trl-lib/Capybara", "some/thing"), JOB, [], {"SCOPE104"}, "the user agreed to trl-lib/Capybara"),
    "other-method": ({"method": "dpo"}, GOOD, JOB, [], {"SCOPE101"}, "the user agreed to DPOTrainer"),
    "adapter-slipped-in": ({"adapter": "full"}, GOOD, JOB, [], {"SCOPE102"}, "agreed to full"),
    "adapter-left-out": ({}, changed(", peft_config=LoraConfig(r=16)", ""), JOB, [], {"SCOPE102"}, "agreed to lora"),
    "other-model": ({}, changed("Qwen/Qwen3-0.6B", "Qwen/Qwen3-4B"), JOB, [], {"SCOPE103"}, "Qwen/Qwen3-4B"),
    "shorter-rows": ({}, changed("max_length=2048", "max_length=1024"), JOB, [], {"SCOPE105"}, "agreed to 2048"),
    "smaller-batch": ({}, changed("accumulation_steps=8", "accumulation_steps=2"), JOB, [], {"SCOPE106"}, "agreed to 32"),
    "public": ({}, changed("hub_private_repo=True", "hub_private_repo=False"), JOB, [], {"SCOPE108"}, "private"),
    "by-comment": (
        {},
        changed(f"data = {DATA}", 'data = load_dataset("x/y", split="train", revision="main")  # preflight: ignore[SCOPE104] ok'),
        JOB,
        [],
        {"SCOPE104"},
        "a comment in the script suppresses SCOPE104",
    ),
    "unreadable-task": ({"max_length": "many"}, GOOD, JOB, [], {"TASK"}, "max_length: must be a whole number"),
    "unreadable-task-on-this-machine": ({"schema": "?"}, GOOD, "python train.py", [], {"TASK"}, "cannot be read"),
    "second-before-the-first-trains": ({}, GOOD, JOB, [{**SEEN, "trained_at": None}], {"ONE_FIRST"}, "hf jobs logs a1"),
    "whole-batch-at-once": ({"spend_cap_usd": 100}, GOOD, SWEEP, [], {"ONE_FIRST"}, "submit one, see it train"),
    "unseen-script": ({}, GOOD, JOB.replace("train.py", '"$SCRIPT"'), [], {"UNSEEN"}, "could not be read"),
    "script-on-the-web": ({}, GOOD, JOB.replace("train.py", "https://example.org/t.py"), [], {"UNSEEN"}, "on the web"),
    "job-once-more": ({}, GOOD, "hf jobs rerun a1", [], {"UNSEEN", "SPEND"}, "only the Hub knows"),
    "damaged-ledger": ({}, GOOD, JOB, [{"id": 5}], {"SPEND"}, "line 1 of the ledger cannot be read"),
    "unknown-earlier-cost": ({}, GOOD, JOB, [{**SEEN, "reserved_usd": None}], {"SPEND"}, "earlier run is unknown"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_the_users_to_decide_is_asked(project: Project, name: str) -> None:
    task, script, command, ledger, codes, words = QUESTIONS[name]
    if task is not None:
        project.agree(**task)
    project.write("train.py", script)
    project.on_file(*ledger)
    before = len(project.runs())
    answer = project.ask(command)
    assert (answer.kind, answer.code, answer.stderr) == ("ask", 0, "")
    assert words in answer.reason
    assert "\n    next: " in answer.reason
    assert len(project.runs()) == before, "nothing is set aside before the user has spoken"
    assert set(project.log()[-1]["codes"]) == codes


def failures(project: Project, count: int) -> list[dict[str, Any]]:
    """Failed runs of this very launch, as the ledger keeps them."""
    project.ask(JOB)
    [run] = project.runs()
    (project.ours / "runs.jsonl").unlink()
    return [{**run, "id": f"run-{number}", "state": "failed", "settled_usd": 0} for number in range(count)]


@pytest.mark.parametrize(("count", "kind"), [(1, ""), (2, "ask")], ids=["second-try", "third-try"])
def test_a_command_that_failed_twice_is_not_bought_a_third_time(project: Project, count: int, kind: str) -> None:
    project.agree()
    project.on_file(*failures(project, count))
    answer = project.ask(JOB)
    assert answer.kind == kind, answer.reason
    assert ("failed twice in a row" in answer.reason) == (kind == "ask")
    if kind:
        project.write("train.py", GOOD + "# another way\n")
        assert project.ask(JOB).kind == "", "what has changed may go"


def test_a_sweep_goes_once_its_script_was_seen_training(project: Project) -> None:
    project.agree(spend_cap_usd=100)
    assert project.ask(SWEEP).kind == "ask"
    assert project.ask(JOB).kind == ""
    [first] = project.runs()
    assert project.ask(SWEEP).kind == "ask", "submitted is not seen"
    with (project.ours / "runs.jsonl").open("a") as file:
        file.write(
            json.dumps({"id": first["id"], "event": "update", "state": "running", "trained_at": "2026-11-23T02:00:00Z"}) + "\n"
        )
    answer = project.ask(SWEEP)
    assert answer.kind == "", answer.reason
    assert [run.get("reserved_usd") for run in project.runs() if run.get("event") == "launch"] == [4.5, 13.5]


#: name -> (task, script, command): nothing is held.
CLEAN: dict[str, tuple[dict[str, Any] | None, str, str]] = {
    "local-without-a-task": (None, GOOD, "python train.py"),
    "local-as-agreed": ({"where": "local"}, GOOD, "nohup python train.py > log 2>&1 &"),
    "a-few-steps-here-before-a-job": ({}, changed("seed=42,", "seed=42, max_steps=20,"), "python train.py"),
    "no-tracker-as-agreed": (
        {"tracking": {"tool": "none", "project": None, "space_id": None}},
        changed('report_to="trackio", project="demo", trackio_space_id="ada/trackio"', 'report_to="none"'),
        JOB,
    ),
    "plain-loop-of-somebody-else": (
        None,
        "import torch\nm = torch.nn.Linear(1, 1)\no = torch.optim.SGD(m.parameters(), lr=1)\nfor i in range(3):\n"
        "    m(torch.ones(1)).sum().backward()\n    o.step()\n",
        "python train.py",
    ),
    "dry-run": ({}, changed("max_length", "max_seq_length"), JOB.replace("-d", "--dry-run")),
    "looks-alike": ({}, changed("max_length", "max_seq_length"), f'git commit -m "{JOB}"'),
    "somebody-elses-program": (None, "print('rows')\n", "python train.py"),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_launch_is_left_to_the_clients_own_rules(project: Project, name: str) -> None:
    task, script, command = CLEAN[name]
    if task is not None:
        project.agree(**task)
    project.write("train.py", script)
    answer = project.ask(command)
    assert (answer.kind, answer.code, answer.stderr) == ("", 0, ""), answer.reason
    assert task is not None or not project.ours.exists(), "nothing of ours is made in a project that is not ours"


@pytest.mark.parametrize("word", ["off", "OFF", "0", "false"])
def test_switched_off_looks_at_nothing(project: Project, word: str) -> None:
    project.write("train.py", changed("max_length", "max_seq_length"))
    assert project.ask(JOB, ML_INTERN_GUARD=word) == ("", "", "", 0, "")
    assert not project.ours.exists()


def test_warn_tells_and_lets_pass(project: Project) -> None:
    project.write("train.py", changed("max_length", "max_seq_length"))
    answer = project.ask(JOB, ML_INTERN_GUARD="warn")
    assert answer.kind == ""
    assert answer.context.startswith("ML_INTERN_GUARD=warn lets this pass.")
    assert "API101" in answer.context
    assert [(line["decision"], line["codes"]) for line in project.log()] == [("pass", ["API101"])]


@pytest.mark.parametrize("word", ["on", "", "offf", "warning"])
def test_a_word_that_is_none_leaves_it_on(project: Project, word: str) -> None:
    assert project.ask(JOB, ML_INTERN_GUARD=word).kind == "ask"


@pytest.mark.parametrize("prefix", ["ML_INTERN_GUARD=off", "export ML_INTERN_GUARD=off;", "env ML_INTERN_GUARD=off"])
def test_the_command_itself_switches_nothing_off(project: Project, prefix: str) -> None:
    assert project.ask(f"{prefix} {JOB}").kind == "ask"


def test_the_log_holds_every_decision_and_no_token(project: Project) -> None:
    project.agree()
    token = "hf_" + "a" * 24
    project.ask(f"HF_TOKEN={token} WANDB_API_KEY=geheim-geheim {JOB}")
    project.ask(JOB)
    project.ask("git status")
    lines = project.log()
    assert [line["decision"] for line in lines] == ["deny", "pass"]
    assert lines[0].keys() == {"time", "session", "call", "mode", "decision", "codes", "reason", "command", "took_ms"}
    text = (project.ours / "guard.log").read_text() + json.dumps(project.runs())
    assert token not in text
    assert "geheim" not in text
    assert (project.ours / "guard.log").stat().st_mode & 0o077 == 0


def test_the_log_is_kept_short(project: Project) -> None:
    project.agree()
    (project.ours / "guard.log").write_text("x" * (1024 * 1024 + 1))
    project.ask(JOB)
    assert len(project.log()) == 1
    assert (project.ours / "guard.log.1").stat().st_size == 1024 * 1024 + 1


REFUSED = {
    "by-the-permission-rules": "This command requires approval",
    "by-the-user": "The user doesn't want to proceed with this tool use. The tool use was rejected",
    "by-another-hook": "PreToolUse:Bash hook error: not on Fridays",
}


@pytest.mark.parametrize("name", [*REFUSED, "it-ran-and-failed", "no-result-yet"])
def test_money_of_a_call_that_was_refused_comes_back(project: Project, tmp_path: Path, name: str) -> None:
    """The client's own rules speak after the hook. Without this the next launch waits for a job that never was."""
    project.agree()
    assert project.ask(JOB).kind == ""
    text = REFUSED.get(name, "Exit code 1\nTraceback")
    block = {"type": "tool_result", "tool_use_id": "call-1", "is_error": True, "content": text}
    content = [block] if name != "no-result-yet" else []
    line = {"type": "user", "message": {"role": "user", "content": content}, "toolUseResult": f"Error: {text}"}
    (tmp_path / "transcript.jsonl").write_text("no json call-1\n" + json.dumps(line) + "\n")
    answer = project.ask(JOB, event={"transcript_path": str(tmp_path / "transcript.jsonl")})
    assert answer.kind == ("" if name in REFUSED else "ask"), answer.reason
    states = [run["state"] for run in project.runs()]
    assert states == (["reserved", "released", "reserved"] if name in REFUSED else ["reserved"])
    if name not in REFUSED:
        assert "budget --apply-release" in answer.reason


def test_a_change_of_folder_does_not_lose_the_task(project: Project) -> None:
    """The client's Bash tool keeps the folder that an earlier command changed to."""
    project.agree()
    project.write("runs/lora/train.py", changed("trl-lib/Capybara", "some/thing"))
    there = {"cwd": str(project.folder / "runs/lora")}
    answer = project.ask(JOB, event=there, CLAUDE_PROJECT_DIR=str(project.folder))
    assert (answer.kind, "the user agreed to trl-lib/Capybara" in answer.reason) == ("ask", True)
    project.write("runs/lora/train.py", GOOD)
    assert project.ask(JOB, event=there, CLAUDE_PROJECT_DIR=str(project.folder)).kind == ""
    assert [run["task"] for run in project.runs()] == ["task-1"]
    assert not (project.folder / "runs/lora/.ml-intern").exists()


RECORDS = {
    "terms-by-the-helper": f"'{ROOT}/skills/ml-intern/scripts/task.sh' change --spend-cap 1000 --reason 'needed'",
    "terms-by-name": "cd . && task change --dataset x/y --reason ok",
    "redirect": "echo '{}' > .ml-intern/task.json",
    "in-place": "sed -i s/10/1000/ .ml-intern/task.json",
    "removed": "rm -f .ml-intern/runs.jsonl",
    "moved-away": "mv .ml-intern/task.json x",
    "through-tee": "printf x | tee -a /a/b/.ml-intern/runs.jsonl",
}


@pytest.mark.parametrize("name", RECORDS)
def test_what_was_agreed_and_spent_is_not_the_models_to_write(project: Project, name: str) -> None:
    project.agree()
    before = (project.ours / "task.json").read_bytes()
    answer = project.ask(RECORDS[name])
    assert (answer.kind, "next: " in answer.reason) == ("ask", True)
    assert [line["decision"] for line in project.log()] == ["ask"]
    assert (project.ours / "task.json").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        "cat .ml-intern/task.json",
        "grep -c failed .ml-intern/runs.jsonl > count",
        "cp train.py .ml-intern/backup.py",
        "task change --help",
        "git log --oneline -- .ml-intern/task.json",
        "echo 'a change of plan' >> .ml-intern/plan.md",
    ],
)
def test_reading_them_and_writing_beside_them_is_free(project: Project, command: str) -> None:
    project.agree()
    assert project.ask(command).kind == ""


@pytest.mark.parametrize(("file", "kind"), [("task.json", "deny"), ("runs.jsonl", "deny"), ("plan.md", ""), ("../task.json", "")])
def test_an_edit_of_the_records_is_sent_back(project: Project, file: str, kind: str) -> None:
    event = {"tool_name": "Write", "tool_input": {"file_path": str(project.ours / file), "content": "{}"}}
    assert project.ask("", event=event).kind == kind
    assert project.ask("", event=event, ML_INTERN_GUARD="off") == ("", "", "", 0, "")
    warned = project.ask("", event=event, ML_INTERN_GUARD="warn")
    assert (warned.kind, "must not be edited by hand" in warned.context) == ("", kind == "deny")
