"""What the texts say about the libraries, held against the installed ones. Two processes of the training environment do it all."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from knowledge.documents import ALL, blocks, command_lines
from support.helpers import ROOT
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
    if line.endswith("() -> None:")
]


def run(*arguments: str | Path, stdin: str = "", home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the training environment's Python, without a network and without the caller's settings."""
    quiet = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home or Path.home()), **quiet}
    return subprocess.run(
        [str(training_python()), *map(str, arguments)],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def probe(commands: list[tuple[str, list[str]]], texts: list[tuple[str, str]]) -> dict[str, Any]:
    done = run(HERE / "probe.py", stdin=json.dumps({"commands": commands, "blocks": texts}))
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
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


@functools.cache
def tried(home: Path) -> dict[str, str | None]:
    done = run(HERE / "claims.py", home=home)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, str | None] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="session")
def claims_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claims")


@pytest.mark.parametrize("claim", [name for name in CLAIMS if name != "main"])
def test_claim(claim: str, claims_home: Path) -> None:
    """Its docstring in claims.py is the statement."""
    answer = tried(claims_home)
    assert answer.get(claim, "was not tried") is None


def test_generated_parts_are_fresh() -> None:
    done = run(ROOT / "scripts/gen_references", "--check")
    assert done.returncode == 0, f"run scripts/launch --env training scripts/gen_references\n{done.stdout}{done.stderr[-1500:]}"
