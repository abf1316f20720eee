"""Starts helpers, and scripts of the training environment, through `scripts/launch`, as users do."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from folder import Failure

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "scripts/launch"
#: The script that runs in the training environment besides the recipe.
IN_TRAINING = Path(__file__).with_name("in_training.py")
STOP_S = 10

#: Variables of the training environment: no network, no progress bars, and a single thread, since a model this small gains
#: nothing from more and they would wait for each other on a busy machine.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
}


def helper(command: str, *arguments: str | Path) -> dict[str, Any]:
    """The `--json` answer of a helper, with `exit_code` added; a helper without an answer raises a `Failure`."""
    code, out, err = _run([LAUNCH, command, *arguments, "--json"], dict(os.environ))
    try:
        answer = json.loads(out)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict) or "schema" not in answer:
        raise Failure(f"{command} gave no answer (exit code {code})", _last_error_line(err), code=code or 1, log=out + err)
    if answer["error"]:
        raise Failure(f"{command}: {answer['error']['message']}", answer["error"]["hint"], code=code or 1, log=out + err)
    return {**answer, "exit_code": code}


def training(*arguments: str | Path, watch: Callable[[str], None] | None = None, **environment: str) -> str:
    """Run a Python program in the training environment and return its output.

    Args:
        arguments: the arguments of Python: a script and its arguments.
        watch: called with each line as it is printed.
        environment: variables besides `QUIET`. The user's TRACKIO_* are removed: one of them would upload the run.
    """
    base = {name: value for name, value in os.environ.items() if not name.startswith("TRACKIO_")}
    code, out, err = _run([LAUNCH, "--env", "training", "-X", "utf8", *arguments], {**base, **QUIET, **environment}, watch)
    if code:
        what = Path(next((str(a) for a in arguments if str(a).endswith(".py")), "the training environment")).name
        raise Failure(f"{what} failed (exit code {code})", _last_error_line(err), code=3 if code == 3 else 1, log=out + err)
    return out


def training_python() -> dict[str, str]:
    """`{python, torch, trl, …}` of the training environment; builds it first if it is missing, with progress on stderr."""
    # A file instead of `-c CODE`, with which Python would import from the current folder.
    call = [LAUNCH, "--env", "training", IN_TRAINING, "versions"]
    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure("the training environment is not usable", None, code=3 if done.returncode == 3 else 1)
    return {str(name): str(value) for name, value in json.loads(done.stdout).items()}


def _run(command: list[Any], environment: dict[str, str], watch: Callable[[str], None] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program, which is stopped when this function ends."""
    # stderr goes to a file: with two pipes, reading one line by line could block a program that fills the other.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            out = _read(process, watch)
            code = process.wait()
        finally:
            _stop(process)
        errors.seek(0)
        return code, out, errors.read()


def _read(process: subprocess.Popen[str], watch: Callable[[str], None] | None) -> str:
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if watch:
            watch(line)
    return "".join(lines)


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_error_line(err: str) -> str | None:
    """The last line a program left on stderr: for a traceback, the error itself."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    return lines[-1].removeprefix("next: ")[:300] if lines else None
