"""The other hook points on the real client: what each tells reaches the model's next request, and an early end is turned around."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.runs.run_record import runs_of
from ml_intern_helpers.runs.timestamps import stamp
from runs.tasks import on_file
from support.client import ROOT, Session, Turn, claude, helper_script, run_session

pytestmark = pytest.mark.client

SCRIPT = (
    "from datasets import load_dataset\nfrom trl import SFTConfig, SFTTrainer\n"
    "rows = load_dataset('trl-lib/Capybara', split='train')\n"
    "config = SFTConfig(output_dir='out', per_device_train_batch_size=8, gradient_accumulation_steps=4, max_length=512)\n"
    "SFTTrainer('Qwen/Qwen3-0.6B', args=config, train_dataset=rows).train()\n"
)
JOB = "687fb701029421ae5549d998"
ALLOWED = ["--allowedTools", "Bash,Write,Edit,Read,Task"]


def bash(command: str, **more: Any) -> Turn:
    return {"tool": "Bash", "input": {"command": command, **more}}


def session(folder: Path, turns: list[Turn], *arguments: str, task: bool = False, **variables: str) -> Session:
    """The plugin of this checkout in a project; with `task`, one that is open for two hours."""
    work = folder / "work"
    work.mkdir(parents=True)
    if task:
        on_file(work, deadline=stamp(datetime.now(UTC) + timedelta(hours=2)), spend_cap_usd=50)
    rules = [*(arguments or ALLOWED), "--plugin-dir", str(ROOT)]
    return run_session(folder, turns, ["go"], *rules, **variables)


def failing(folder: Path) -> str:
    """A `python` that dies as a training does that needs too much memory."""
    tool = folder / "bin/python"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB' >&2\nexit 1\n")
    tool.chmod(0o755)
    return f"{tool.parent}:/usr/local/bin:/usr/bin:/bin"


def a_client(folder: Path) -> str:
    """An `hf` that answers as the real one does for an agent."""
    tool = folder / "bin/hf"
    tool.parent.mkdir(parents=True)
    tool.write_text(
        f"#!/bin/sh\ncase \"$2\" in\nlogs) echo \"{{'loss': '2.31', 'epoch': '0.1'}}\" ;;\n"
        f'*) echo "id={JOB} name=x url=https://huggingface.co/jobs/ada/{JOB}" ;;\nesac\n'
    )
    tool.chmod(0o755)
    return f"{tool.parent}:/usr/local/bin:/usr/bin:/bin"


def oom(folder: Path) -> Session:
    turns = [{"tool": "Write", "input": {"file_path": "train.py", "content": SCRIPT}}, bash("ML_INTERN=1 python train.py")]
    return session(folder, [*turns, {"text": "end"}], path=failing(folder), ML_INTERN_GUARD="warn")


def wrong_argument(folder: Path) -> Session:
    wrong = SCRIPT.replace("max_length", "max_seq_length")
    edit = {"file_path": "train.py", "old_string": "512", "new_string": "256"}
    turns = [{"tool": "Write", "input": {"file_path": "train.py", "content": wrong}}, {"tool": "Edit", "input": edit}]
    return session(folder, [*turns, {"text": "end"}])


def early_end(folder: Path) -> Session:
    plan = {"file_path": ".ml-intern/plan.md", "content": "- [x] audit\n- [ ] train it\n"}
    done = {"file_path": ".ml-intern/plan.md", "content": "- [x] audit\n- [x] train it\n"}
    write = [{"tool": "Write", "input": one} for one in (plan, done)]
    turns = [write[0], {"text": "I will wait for it."}, write[1], {"text": "RESULT: done: trained"}]
    return session(folder, turns, task=True)


def endless(folder: Path) -> Session:
    return session(folder, [{"text": f"still here {number}"} for number in range(12)], task=True)


def exported(folder: Path) -> Session:
    return session(folder, [bash('echo "root: $ML_INTERN_ROOT $CLAUDE_PLUGIN_ROOT"'), {"text": "end"}])


def state(folder: Path) -> Session:
    return session(folder, [{"text": "RESULT: stopped: nothing to do"}] * 3, task=True)


def job(folder: Path) -> Session:
    (folder / "work").mkdir(parents=True)
    turns = [bash("hf jobs ps"), bash(f"hf jobs logs {JOB}"), {"text": "end"}]
    on_file(folder / "work", spend_cap_usd=50)
    line = {
        "id": "run-1",
        "event": "launch",
        "state": "running",
        "where": "jobs",
        "job_id": JOB,
        "task": "task-1",
        "trains": True,
    }
    (folder / "work/.ml-intern/runs.jsonl").write_text(
        json.dumps({**line, "reserved_usd": 6.0, "at": stamp(datetime.now(UTC))}) + "\n"
    )
    return run_session(folder, turns, ["go"], *ALLOWED, "--plugin-dir", str(ROOT), path=a_client(folder))


def refused(folder: Path) -> Session:
    """A launch that the guard let pass, and that the client's own rules refuse."""
    (folder / "work").mkdir(parents=True)
    terms = {"where": "local", "adapter": "full", "max_length": 512, "hub": {"model_id": None, "private": True}}
    on_file(folder / "work", **terms)
    good = "disable_tqdm=True, logging_strategy='steps', logging_first_step=True, report_to='trackio', project='demo', run_name='a', "
    (folder / "work/train.py").write_text(SCRIPT.replace("per_device", f"{good}per_device"))
    rules = ["--allowedTools", "Read", "--plugin-dir", str(ROOT)]
    return run_session(folder, [bash("python train.py"), {"text": "end"}], ["go"], *rules)


def researcher(folder: Path) -> Session:
    return subagent(folder, [{"text": "DPO is good."}] * 5)


def spendthrift(folder: Path) -> Session:
    """A researcher that reads on and on: 7,000 tokens a call, several at a time."""
    call = {"name": "Bash", "input": {"command": "printf %028000d 0"}}
    return subagent(folder, [*({"tools": [call] * number} for number in (5, 3, 1, 1)), {"text": "RECIPES: what I have"}])


def limited(folder: Path) -> Session:
    """The researcher's file alone, with a limit of three turns, in a plugin without hooks: it goes on and on."""
    plugin = folder / "ml-intern"
    for name in (".claude-plugin/plugin.json", "agents/ml-paper-researcher.md"):
        (plugin / name).parent.mkdir(parents=True)
        (plugin / name).write_text(re.sub(r"(?m)^maxTurns: \d+$", "maxTurns: 3", (ROOT / name).read_text("utf-8")), "utf-8")
    return subagent(folder, [bash("echo")], plugin)


def subagent(folder: Path, turns: list[Turn], plugin: Path = ROOT) -> Session:
    """The researcher plays `turns`, its last one again and again."""
    ask = {"description": "x", "prompt": "find", "subagent_type": "ml-intern:ml-paper-researcher", "run_in_background": False}
    lanes = {"worker": turns, "main": [{"tool": "Task", "input": ask}, {"text": "end"}]}
    folder.mkdir(parents=True, exist_ok=True)
    scenario = folder / "lanes.py"
    scenario.write_text(
        f"LANES = {lanes!r}\n"
        "def respond(request, state):\n"
        "    if not request.get('tools'):\n        return {'text': 'title'}\n"
        "    name = 'worker' if 'You research training recipes' in str(request.get('system')) else 'main'\n"
        "    state[name] = state.get(name, -1) + 1\n"
        "    return LANES[name][min(state[name], len(LANES[name]) - 1)]\n"
    )
    return run_session(folder, scenario, ["go"], *ALLOWED, "--plugin-dir", str(plugin))


def compacted(folder: Path) -> Session:
    (folder / "work").mkdir(parents=True)
    on_file(folder / "work", spend_cap_usd=50)
    turns = [{"text": "first"}, {"text": "second"}, {"text": "third"}]
    return run_session(folder, turns, ["go", "/compact", "go on"], *ALLOWED, "--plugin-dir", str(ROOT))


PLAYS = [oom, wrong_argument, early_end, endless, exported, state, job, refused, researcher, spendthrift, limited, compacted]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Session, Path]]:
    claude()
    folder = tmp_path_factory.mktemp("points")
    with ThreadPoolExecutor(3) as pool:
        sessions = list(pool.map(lambda play: play(folder / play.__name__), PLAYS))
    return {play.__name__: (found, folder / play.__name__ / "work") for play, found in zip(PLAYS, sessions, strict=True)}


def test_every_session_ended_well(played: dict[str, tuple[Session, Path]]) -> None:
    for found, _ in played.values():
        found.check()


def test_failure_is_explained_in_the_next_request(played: dict[str, tuple[Session, Path]]) -> None:
    told = played["oom"][0].context()
    assert "per_device_train_batch_size 8 -> 4, gradient_accumulation_steps 4 -> 8" in told
    assert "hook error" not in told


def test_finding_after_writing_is_told_once(played: dict[str, tuple[Session, Path]]) -> None:
    told = played["wrong_argument"][0].context()
    assert told.count("API101") == 1
    assert "max_seq_length" in told


def test_early_end_is_turned_around_and_the_result_kept(played: dict[str, tuple[Session, Path]]) -> None:
    found = played["early_end"][0]
    [feedback] = [text for text in found.user_texts() if "Stop hook feedback" in text]
    assert "- [ ] train it" in feedback
    assert found.result["result"] == "RESULT: done: trained"


def test_without_progress_the_last_word_survives(played: dict[str, tuple[Session, Path]]) -> None:
    """The client's own cap would have emptied it."""
    found = played["endless"][0]
    feedback = [text for text in found.user_texts() if "Stop hook feedback" in text]
    assert len(feedback) == 3
    assert found.result["result"] == "still here 3"


def test_root_reaches_bash(played: dict[str, tuple[Session, Path]]) -> None:
    [(text, is_error)] = played["exported"][0].tool_results()
    assert not is_error
    assert text == f"root: {ROOT} {ROOT}"
    assert helper_script(ROOT, "x").startswith(f'"{ROOT}/')


def test_state_of_an_open_task_is_told_at_the_start(played: dict[str, tuple[Session, Path]]) -> None:
    assert "LoRA on Capybara" in played["state"][0].context()
    assert "a task is open here" not in played["exported"][0].context()


def test_job_that_was_seen_training_is_on_file(played: dict[str, tuple[Session, Path]]) -> None:
    found, work = played["job"]
    [run] = runs_of(work / ".ml-intern").all
    assert run.text("trained_at")
    assert "another may be submitted" in found.context()


def test_refused_launch_is_given_back(played: dict[str, tuple[Session, Path]]) -> None:
    _, work = played["refused"]
    [run] = runs_of(work / ".ml-intern").all
    assert run.state == "released"


def test_researcher_is_asked_for_the_form_once(played: dict[str, tuple[Session, Path]]) -> None:
    found = played["researcher"][0]
    worker = of_worker(found)
    asked = [messages for messages in worker if "ml-intern: the report is" in messages]
    assert (len(worker), len(asked)) == (2, 1)
    assert "DPO is good." in found.tool_results()[0][0]


def of_worker(session: Session) -> list[str]:
    """The researcher's requests, their messages as text."""
    requests = [one["body"] for one in session.requests if "You research training recipes" in str(one["body"].get("system"))]
    return [str(body["messages"]) for body in requests]


def test_researcher_is_told_of_its_budget_and_held_to_it(played: dict[str, tuple[Session, Path]]) -> None:
    """What it was given to read is counted, and what is denied does not keep it from its report."""
    found = played["spendthrift"][0]
    first, second, third, last = of_worker(found)[1:5]
    assert "Stop searching" not in first + second
    assert "8 of 40 calls" not in third
    assert "9 of 40 calls, 56," in last
    assert last.count("the research budget is spent") == 1
    assert "RECIPES: what I have" in found.tool_results()[0][0]


def test_turns_of_a_researcher_are_limited_by_the_client(played: dict[str, tuple[Session, Path]]) -> None:
    """`maxTurns` of the agent's file is heard; it costs the report, which is why it is only the second net."""
    found = played["limited"][0]
    assert len(of_worker(found)) == 3
    assert "stopped at its 3-turn limit" in found.tool_results()[0][0]


def test_compaction_leaves_the_state_on_disk_and_tells_it_again(played: dict[str, tuple[Session, Path]]) -> None:
    found, work = played["compacted"]
    assert "LoRA on Capybara" in (work / ".ml-intern/state.md").read_text()
    assert "LoRA on Capybara" in found.context()
