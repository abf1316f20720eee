"""Whatever may be handed to --launch: an answer within a second, no trace, and nothing is run."""

from __future__ import annotations

import contextlib
import random
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.preflight.launch_check import report_on
from support.helpers import Outcome


def nested(depth: int) -> str:
    line = "python train.py"
    for _ in range(depth):
        line = f"bash -c {shlex.quote(line)}"
    return line


def nested_lightly(depth: int) -> str:
    """Ten deep without the quoting that doubles at each level."""
    return "".join(f"cat > s{level}.sh <<'E{level}'\nbash s{level + 1}.sh\nE{level}\n" for level in range(depth)) + "bash s0.sh"


LINES = {
    "long word": "python train.py " + "a" * 100_000,
    "many words": "python train.py " + "a " * 50_000,
    "many options": "hf jobs uv run train.py " + "--x y " * 16_000,
    "unknown options": "hf jobs uv run " + "--zzzzz " * 12_000,
    "one cluster": "hf jobs uv run -" + "z" * 100_000,
    "script options": "python train.py " + "--z " * 25_000,
    "commands": "python train.py && " * 2_900 + "true",
    "too many commands": "cd a; " * 14_000 + "python train.py",
    "open quotes": "'" * 99_999,
    "double quotes": '"' * 99_998,
    "dollars": "$(" * 50_000,
    "brackets": "(" * 100_000,
    "closing": ")" * 100_000,
    "backslashes": "\\" * 100_001,
    "heredocs": "cat <<A " * 10_000 + "\n" + "A\n" * 10_000,
    "null byte": "python \0 train.py",
    "braces": "${" * 50_000,
    "backticks": "`" * 99_999,
    "assignments": "A=1 " * 30_000 + "python train.py",
    "doubling": "A=x; " + "A=$A$A; " * 2_000 + "python $A",
    "semicolons": ";" * 100_000,
    "env": "env " * 30_000 + "python train.py",
    "sudo": "sudo " * 25_000 + "python train.py",
    "uv run": "uv run " * 15_000 + "python train.py",
    "uvx": "uvx " * 25_000 + "hf jobs uv run train.py",
    "nested substitutions": "echo " + "$(echo " * 2_000 + ")" * 2_000,
    "nested bash -c": nested(6),
    "nested shell files": nested_lightly(12),
    "endless shell file": "cat > a.sh <<E\nbash a.sh\nbash a.sh\nE\nbash a.sh",
    "redirects": "> " * 50_000,
    "newlines": "\n" * 100_000 + "python train.py",
    "long path": "python " + "a/" * 40_000 + "x.py",
    "no such user": "cd ~nosuchuser && python ~nosuchuser/train.py; hf jobs uv run -v ~nosuchuser:/x train.py",
    "unicode": "pyth\u202eon tr\u0430in.py \ud800 \U0001f600 \x1b[31m",
    "numbers": "torchrun --nproc_per_node " + "9" * 50_000 + " train.py; hf jobs uv run --attempts " + "9" * 5000 + " train.py",
    "trl": "trl sft " + "--a b " * 16_000,
    "too long": "python train.py " * 20_000,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--epochs')\na = p.parse_args()\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seconds(line: str) -> float:
    start = time.process_time()
    with contextlib.suppress(ToolError):
        report_on(line, None, local=False)
    return time.process_time() - start


@pytest.mark.parametrize("name", LINES)
def test_an_answer_within_a_second(name: str) -> None:
    assert seconds(LINES[name]) < 1.5  # a second on a free machine; two other suites may share the core


def test_random_bytes_of_shell_never_break_it() -> None:
    pieces = [
        "python",
        "hf",
        "jobs",
        "uv",
        "run",
        "train.py",
        "'",
        '"',
        "$(",
        ")",
        "(",
        "`",
        "\\",
        "&&",
        ";",
        "|",
        "<<",
        "EOF",
        "\n",
        "-",
        "--",
        "=",
        "$A",
    ]
    pieces += [
        "accelerate",
        "launch",
        "trl",
        "sft",
        "--config",
        "bash",
        "-c",
        "env",
        "timeout",
        "2h",
        "cat",
        ">",
        "2>&1",
        "{",
        "}",
        "#",
        "é",
        "\x00",
        "-e",
        "A=1",
    ]
    for seed in range(2500):
        pick = random.Random(seed)
        seconds(pick.choice(["", " "]).join(pick.choice(pieces) for _ in range(pick.randint(1, 25))))


def test_nothing_is_run(folder: Path, helper: Callable[..., Outcome]) -> None:
    line = (
        "touch ran1; $(touch ran2); `touch ran3`; bash -c 'touch ran4'; python -c 'open(\"ran5\",\"w\")'; python train.py > ran6"
    )
    before = sorted(path.name for path in folder.iterdir())
    helper("preflight_check", "--launch", line, cwd=folder)
    assert sorted(path.name for path in folder.iterdir() if path.name != "a user's home") == [
        one for one in before if one != "a user's home"
    ]


@pytest.mark.parametrize("name", ["unicode", "nested bash -c", "open quotes", "brackets"])
def test_the_process_ends_without_a_trace(name: str, helper: Callable[..., Outcome], folder: Path) -> None:
    done = helper("preflight_check", "--launch", LINES[name].replace("\ud800", ""), cwd=folder)
    assert done.code in (0, 1, 3)
    assert "Traceback" not in done.stderr
