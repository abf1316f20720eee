"""Processes that need not import everything anew: a server with the imports done forks one for each call.

A process started so has the arguments, environment, folder and standard input that a cold start gives it. What it saves is the
interpreter's start and the imports, which are most of a short command's time: 0.5 s for a helper, 7 s for TRL. Tests about start-up,
signals and the launcher start cold processes instead. Not for use by several threads at once.

A server loads nothing that reads variables which its callers set. huggingface_hub and datasets read several while they are imported, so
helpers import them themselves; the training environment's server has loaded them offline, for scripts that ask for nothing else.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "src/ml_intern_helpers/__main__.py"
#: What the helpers use of other packages.
HELPERS = (
    "pandas", "pyarrow.parquet", "pyarrow.csv", "pyarrow.json", "duckdb", "requests", "lxml.etree", "feedparser", "jinja2.sandbox",
    "rich.console", "fsspec", "aiohttp", "dill", "multiprocess", "xxhash", "asyncio", "tokenizers", "httpx2", "yaml", "tqdm", "numpy",
    "packaging.requirements",
)  # fmt: skip
#: What scripts of the training environment use.
TRAINING = ("torch", "transformers", "transformers.trainer", "datasets", "peft", "accelerate", "trl")
OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_DISABLE_TELEMETRY": "1"}
#: Instead of an exit code.
TIMED_OUT = 1000

Result = tuple[int, bytes, bytes]


def run(arguments: list[str], environment: dict[str, str], folder: Path, timeout_s: float, stdin: bytes = b"") -> Result:
    """Exit code, standard output and standard error of `python -I -X utf8 __main__.py ARGUMENTS` in that environment and folder."""
    return _call(_helper_server(), str(PROGRAM), arguments, environment, folder, timeout_s, stdin)


def run_training(
    script: Path, arguments: list[str], environment: dict[str, str], folder: Path, timeout_s: float, stdin: bytes = b""
) -> Result:
    """The same of `python SCRIPT ARGUMENTS` with the training environment's Python, offline."""
    return _call(_training_server(), str(script), arguments, environment | OFFLINE, folder, timeout_s, stdin)


def _call(
    server: subprocess.Popen[bytes],
    program: str,
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    timeout_s: float,
    stdin: bytes,
) -> Result:
    with tempfile.TemporaryDirectory(prefix="warm-") as scratch:
        Path(scratch, "stdin").write_bytes(stdin)
        request = {"program": program, "arguments": arguments, "environment": environment, "folder": str(folder)}
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps({**request, "scratch": scratch, "timeout_s": timeout_s}).encode() + b"\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        if code == TIMED_OUT:
            raise subprocess.TimeoutExpired([program, *arguments], timeout_s)
        return code, Path(scratch, "stdout").read_bytes(), Path(scratch, "stderr").read_bytes()


@cache
def _helper_server() -> subprocess.Popen[bytes]:
    return _server([sys.executable, "-I", "-X", "utf8"], "helpers")


@cache
def _training_server() -> subprocess.Popen[bytes]:
    from support.training import training_python

    return _server([str(training_python()), "-X", "utf8", "-W", "ignore"], "training")


def _server(python: list[str], kind: str) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        **(OFFLINE if kind == "training" else {}),
    }
    server = subprocess.Popen([*python, __file__, kind], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(server.communicate)  # the server ends when there are no more requests
    return server


def _serve(kind: str) -> None:
    import gc
    import importlib

    # The requests come and the answers go where no library prints.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for name in TRAINING if kind == "training" else HELPERS:
        with suppress(ImportError):
            importlib.import_module(name)
    if kind == "helpers":
        sys.path.insert(0, str(PROGRAM.parents[1]))
        for name in _own_modules():
            importlib.import_module(name)
    sys.path[:] = [path for path in sys.path if Path(path) != Path(__file__).parent]
    gc.freeze()
    for line in requests:
        answers.write(b"%d\n" % _forked(json.loads(line), requests, answers))
        answers.flush()


def _own_modules() -> list[str]:
    """Every module of the package; none of them reads the environment while it is imported."""
    found = (path.relative_to(PROGRAM.parents[1]).with_suffix("") for path in PROGRAM.parent.rglob("*.py") if path != PROGRAM)
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in found)


def _forked(request: dict[str, Any], *pipes: IO[bytes]) -> int:
    import signal
    import time

    child = os.fork()
    if child == 0:
        for pipe in pipes:
            os.close(pipe.fileno())
        _become(request)
    end = time.monotonic() + request["timeout_s"]
    pause = 0.001
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMED_OUT
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def _become(request: dict[str, Any]) -> None:
    """In the child: be the program, and end."""
    import runpy

    code: object = 1
    try:
        write = os.O_WRONLY | os.O_CREAT
        for number, name, flags in ((0, "stdin", os.O_RDONLY), (1, "stdout", write), (2, "stderr", write)):
            opened = os.open(f"{request['scratch']}/{name}", flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", errors="surrogateescape")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = [request["program"], *request["arguments"]]
        if request["program"] != str(PROGRAM):
            sys.path.insert(0, str(Path(request["program"]).parent))
        runpy.run_path(request["program"], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    _serve(sys.argv[1])
