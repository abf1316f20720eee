"""Processes of the package that need not import everything anew: one server per test process has it loaded and forks.

A helper started so is a process of its own, with the arguments, environment, folder and closed standard input that a cold start gives
it; what it saves is the interpreter's start and the imports, which are most of a short command's time. Tests about start-up,
signals and the launcher start cold processes instead.

Nothing that reads the environment while it is imported is loaded beforehand (huggingface_hub, datasets): the child imports it itself.
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
LOADED = (
    "pandas",
    "pyarrow.parquet",
    "pyarrow.csv",
    "pyarrow.json",
    "duckdb",
    "requests",
    "lxml.etree",
    "feedparser",
    "jinja2.sandbox",
    "rich.console",
    "fsspec",
    "aiohttp",
    "dill",
    "multiprocess",
    "xxhash",
    "asyncio",
    "tokenizers",
    "httpx2",
    "yaml",
    "tqdm",
    "numpy",
    "packaging.requirements",
)


def run(
    arguments: list[str], environment: dict[str, str], folder: Path, timeout_s: float, stdin: bytes = b""
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of `python -I -X utf8 __main__.py ARGUMENTS` in that environment and folder."""
    with tempfile.TemporaryDirectory(prefix="warm-") as scratch:
        given = Path(scratch, "stdin")
        given.write_bytes(stdin)
        request = {
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder),
            "scratch": scratch,
            "timeout_s": timeout_s,
        }
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request).encode() + b"\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        if code == TIMED_OUT:
            raise subprocess.TimeoutExpired(arguments, timeout_s)
        return code, Path(scratch, "stdout").read_bytes(), Path(scratch, "stderr").read_bytes()


TIMED_OUT = 1000


@cache
def _server() -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    command = [sys.executable, "-I", "-X", "utf8", __file__, *sys.warnoptions]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    server.communicate()  # the server ends when there are no more requests


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    import gc
    import importlib

    sys.path.insert(0, str(PROGRAM.parents[1]))
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    for name in _own_modules():
        importlib.import_module(name)
    gc.freeze()
    for line in requests:
        answers.write(b"%d\n" % _forked(json.loads(line)))
        answers.flush()


def _own_modules() -> list[str]:
    """Every module of the package but those that load what reads the environment."""
    found = (path.relative_to(PROGRAM.parents[1]).with_suffix("") for path in PROGRAM.parent.rglob("*.py") if path != PROGRAM)
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in found)


def _forked(request: dict[str, Any]) -> int:
    import signal
    import time

    child = os.fork()
    if child == 0:
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
    """In the child: be the command, and end."""
    import runpy

    code: object = 1
    try:
        for number, name, flags in (
            (0, "stdin", os.O_RDONLY),
            (1, "stdout", os.O_WRONLY | os.O_CREAT),
            (2, "stderr", os.O_WRONLY | os.O_CREAT),
        ):
            opened = os.open(f"{request['scratch']}/{name}", flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", errors="surrogateescape")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = [str(PROGRAM), *request["arguments"]]
        runpy.run_path(str(PROGRAM), run_name="__main__")
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
    sys.warnoptions[:] = sys.argv[1:]
    _serve(sys.stdin.buffer, sys.stdout.buffer)
