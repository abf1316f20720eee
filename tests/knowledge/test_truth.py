"""What the texts say about the libraries, held against the installed ones. One process of the training environment does it all."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from knowledge.documents import ALL, SKILL, blocks, command_lines
from support import warm
from support.training import training_python

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("knowledge"),
]  # one worker: the answers below are made once
HERE = Path(__file__).parent
CLAIMS = [
    line[4:].partition("(")[0]
    for line in (HERE / "claims.py").read_text(encoding="utf-8").splitlines()
    if line.startswith("def ") and line.endswith("() -> None:")
]


def probe(commands: list[tuple[str, list[str]]], texts: list[tuple[str, str]]) -> dict[str, Any]:
    """probe.py's answer; no network, an empty home, none of the caller's settings."""
    quiet = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home, **quiet}
        given = json.dumps({"commands": commands, "blocks": texts}).encode()
        code, stdout, stderr = warm.run_training(HERE / "probe.py", [], environment, Path(home), timeout_s=280, stdin=given)
    assert code == 0, stderr[-2000:]
    answer: dict[str, Any] = json.loads(stdout)
    return answer


#: What the judges must refuse: a judge that lets these pass proves nothing about the texts.
WRONG_COMMANDS = [
    ("flavor that is none", "hf jobs uv run --flavor h100 -- t.py"),
    ("two units in a timeout", "hf jobs uv run --timeout 2h30m -- t.py"),
    ("no -- before the script", "hf jobs uv run --flavor t4-small t.py"),
    ("script's flag before --", "hf jobs uv run --max-steps 3 -- t.py"),
    ("--image of jobs run", "hf jobs run --image x -- y z"),
    ("removed command", "hf auth print-token"),
    ("unknown option", "hf jobs logs ID --wait"),
    ("unknown group", "hf training start"),
    ("trackio: unknown noun", "trackio get metrics --project p"),
    ("trackio: unknown option", "trackio list runs --project p --bogus"),
    ("accelerate: unknown option", "accelerate launch --nproc 2 t.py"),
    ("torchrun: unknown option", "torchrun --bogus 3 t.py"),
]
WRONG_BLOCKS = [
    ("import that is gone", "from trl import PPOTrainer\n"),
    ("argument that is gone", "from trl import SFTConfig\nSFTConfig(max_seq_length=3)\n"),
    ("argument in a dict of a call inside a function", "import trl\ndef f():\n    return trl.SFTTrainer(tokenizer=1)\n"),
    ("swallowed by from_pretrained", "from transformers import AutoModel\nAutoModel.from_pretrained('x', load_in_4bit=True)\n"),
    ("attribute that is none", "import trackio\ntrackio.warn('x')\n"),
]


@functools.cache
def judged() -> dict[str, Any]:
    """Texts and counter-examples in one process."""
    commands = [found for path in ALL for found in command_lines(path)] + [
        (f"WRONG {why}", line.split()) for why, line in WRONG_COMMANDS
    ]
    texts = [(block.where, block.text) for path in ALL for block in blocks(path, "python")] + [
        (f"WRONG {why}", text) for why, text in WRONG_BLOCKS
    ]
    return probe(commands, texts)


def test_commands_and_code_are_accepted_by_the_real_thing() -> None:
    assert [fault for fault in judged()["faults"] if not fault.startswith("WRONG")] == []


@pytest.mark.parametrize("why", [why for why, _ in [*WRONG_COMMANDS, *WRONG_BLOCKS]])
def test_the_judges_refuse(why: str) -> None:
    assert [fault for fault in judged()["faults"] if fault.startswith(f"WRONG {why}:")]


def test_the_judges_had_something_to_judge() -> None:
    """Blocks that no pattern finds any more would pass in silence."""
    checked = judged()["checked"]
    assert checked["hf"] >= 25
    assert checked["trackio"] >= 6
    assert checked["accelerate"] >= 2
    assert checked["imports"] >= 12
    assert checked["calls"] >= 15


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim(claim: str) -> None:
    """Its docstring in claims.py is the statement."""
    assert judged()["claims"].get(claim, "was not tried") is None


def test_generated_parts_are_fresh() -> None:
    assert judged()["stale"] == [], "run scripts/launch --env training scripts/gen_references"


def dry_run(folder: Path, *words: str) -> str:
    """What `hf jobs uv run --dry-run` prints about `words`, with the header that the cheat sheet quotes in train.py."""
    header = next(
        block.text for block in blocks(SKILL / "references/hf-jobs-cheatsheet.md", "python") if "tool.hf-jobs" in block.text
    )
    (folder / "train.py").write_text(header, encoding="utf-8")
    program = training_python().with_name("hf")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_dry", "NO_COLOR": "1"}
    call = [str(program), "jobs", "uv", "run", "--dry-run", *words]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_hf_takes_back_the_scripts_flags_without_dashes(tmp_path: Path) -> None:
    assert re.search(r"timeout +5m\n", dry_run(tmp_path, "train.py", "--timeout", "5m"))
    assert re.search(r"args +--timeout 5m\n", dry_run(tmp_path, "--", "train.py", "--timeout", "5m"))


def test_dry_run_accepts_nonsense(tmp_path: Path) -> None:
    """So the texts must not offer it as a check."""
    assert "not submitted" in dry_run(tmp_path, "--flavor", "nope", "--timeout", "abc", "--", "missing.py")


def test_the_quoted_header_is_heard(tmp_path: Path) -> None:
    assert re.search(r"flavor +\S+ \(from script\)", dry_run(tmp_path, "--", "train.py"))
    assert "(from script)" not in dry_run(tmp_path, "--", "accelerate", "launch", "train.py"), "a command's script has no say"
