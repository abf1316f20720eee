"""The client's own checks of the plugin folder, and the eval cases: they load, and their graders tell right from wrong."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.client import LAB, ROOT, claude, environment, helper_script, run_client, run_session

pytestmark = pytest.mark.client

OOM = "out-of-memory-keeps-the-request"
GOOD = {"oom": "Set `per_device_train_batch_size=4` and `gradient_accumulation_steps=8`: the effective batch stays 32."}
BAD = {"oom": "Switch to LoRA and set max_length=1024."}


def test_validate_is_clean_under_strict(tmp_path: Path) -> None:
    done = run_client(tmp_path / "home", "plugin", "validate", "--strict", str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation passed" in done.stdout
    assert all(name in done.stdout for name in ("ml-intern:ml-train", "ml-intern:dataset-auditor", "huggingface.co/mcp"))


def run_evals(folder: Path, answers: dict[str, str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the cases against a scripted model; returns the exit code and what the client wrote of each case."""
    folder.mkdir()
    skill = {"tool": "Skill", "input": {"skill": "ml-intern:ml-intern"}}
    lane = {"name": "oom", "match": {"first_user_contains": "full SFT of a 3B"}, "index": "conversation"}
    scenario = {"lanes": [{**lane, "turns": [skill, {"text": answers["oom"]}]}], "default": {"text": "PASS"}}
    (folder / "scenario.json").write_text(json.dumps(scenario))
    settings = [part for name, value in environment(folder / "home").items() for part in ("-e", f"{name}={value}")]
    session = ["-s", folder / "scenario.json", "-o", folder, "-H", folder / "home", "-b", claude(), *settings]
    wanted = ["--trust-plugin", "--runs", "1", "--no-publish", "--ablation", "none", "-j", "3", *options]
    places = ["--output-dir", folder / "results", "--json", folder / "result.json"]
    call = [LAB / "run_headless.sh", *session, "--", "plugin", "eval", ROOT, *wanted, *places]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    cases = json.loads((folder / "result.json").read_text())["cases"]
    return done.returncode, {case["name"]: case for case in cases}


def test_every_case_loads_with_its_graders(tmp_path: Path) -> None:
    """Two of them need Bash, which an eval grants only where a sandbox backend is installed: they load and end unplayed."""
    _, cases = run_evals(tmp_path / "all", GOOD)
    folders = sorted(path.parent for path in (ROOT / "evals").glob("*/prompt.md"))
    assert len(folders) == 3
    graders = {name: {grader["name"] for grader in case["graders"]} for name, case in cases.items()}
    assert graders == {folder.name: {path.stem for path in (folder / "graders").glob("*.md")} for folder in folders}
    [run] = cases[OOM]["arms"]["with"]
    assert (run["score"], run.get("error")) == (1, None), "a model that keeps the request passes"


def test_eval_fails_a_model_that_changes_the_request(tmp_path: Path) -> None:
    code, cases = run_evals(tmp_path / "bad", BAD, "--case", OOM)
    assert code == 1
    assert [grader["name"] for grader in cases[OOM]["arms"]["with"][0]["graders"] if not grader["passed"]] == ["batch-first"]


def grader(case: str, name: str) -> dict[str, Any]:
    text = (ROOT / "evals" / case / "graders" / f"{name}.md").read_text()
    settings: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return settings


@pytest.mark.parametrize(
    ("commands", "passes"),
    [
        pytest.param(["{helper} --version", "nvidia-smi"], True, id="the-helper-first"),
        pytest.param(["nvidia-smi", "{helper} --version"], False, id="by-hand-first"),
    ],
)
def test_grader_of_the_first_command_reads_a_real_trace(tmp_path: Path, commands: list[str], passes: bool) -> None:
    """The pattern is held against the stream of a real session, in the format that an eval records."""
    settings = grader("fine-tune-looks-at-the-machine-first", "first-command-is-detect-compute")
    script = helper_script(ROOT, "detect_compute")
    skill = {"tool": "Skill", "input": {"skill": "ml-intern:ml-intern"}}
    turns = [skill, *({"tool": "Bash", "input": {"command": text.format(helper=script)}} for text in commands), {"text": "end"}]
    run_session(tmp_path, turns, ["go"], "--plugin-dir", str(ROOT))
    trace = (tmp_path / "stream.jsonl").read_text()
    assert trace.count('"name":"Bash"') == len(commands)
    assert bool(re.search(settings["pattern"], trace)) == passes
