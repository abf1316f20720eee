"""The command as a process: nothing is written, sent or left behind, whatever the script does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from support.helpers import run_helper
from support.hub import Hub
from support.training import training_python

#: A process that leaves its session and lives on; its command line carries the folder's name.
DAEMON = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", {mark!r}], start_new_session=True)
{rest}
"""


def marked(mark: str) -> list[str]:
    """Processes with `mark` on their command line."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            lines += [line] if mark in line else []
    return lines


@pytest.mark.parametrize(
    ("rest", "options", "said"),
    [
        ("while True: time.sleep(1)", ["--limit", "2"], "limit of time was reached in line 4"),
        ("kept = [b'x' * 10**7 for _ in range(100)]\ntime.sleep(20)", ["--memory", "0.3"], "limit of memory"),
        ("sys.stdin.read()\nraise SystemExit('no input')", [], "no input"),
        ("os.kill(os.getpid(), 9)", [], "ended with code -9"),
        (
            "[subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)']) for _ in range(250)]\ntime.sleep(60)",
            [],
            "processes",
        ),
    ],
    ids=["endless", "memory", "stdin", "killed", "many processes"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_script_that_misbehaves_leaves_nothing(home: Path, tmp_path: Path, rest: str, options: list[str], said: str) -> None:
    mark = f"left-by-{tmp_path.name}"
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    (home / "train.py").write_text(DAEMON.format(mark=mark, rest=rest))
    done = run_helper(
        "dry_run", "train.py", "--json", "--python", sys.executable, *options, home=home, cold=True, TMPDIR=str(scratch)
    )
    assert said in done.json["reason"]
    assert done.json["verdict"] in ("UNKNOWN", "FAIL")
    assert marked(mark) == []
    assert list(scratch.iterdir()) == []
    assert {path.name for path in home.iterdir() if path.is_file()} == {"train.py"}


@pytest.mark.training
def test_nothing_is_sent_and_the_token_reads(home: Path, hub: Hub) -> None:
    """A private dataset is read, a private repository and its pushes are only listed; the Hub gets no request that writes."""
    rows = [{"text": f"{number} and two"} for number in range(30)]
    hub.add("dataset", "ada/rows", {"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}, private=True)
    (home / "train.py").write_text(
        "import os\nfrom huggingface_hub import HfApi, hf_hub_download, upload_file\n"
        "path = hf_hub_download('ada/rows', 'rows.jsonl', repo_type='dataset')\n"
        "print(len(open(path).readlines()), 'rows')\n"
        "HfApi().create_repo('ada/new', private=True)\n"
        "print(upload_file(path_or_fileobj=path, path_in_repo='x', repo_id='ada/new').oid)\n"
        "open('written.txt', 'w').write('x')\n"
        "raise SystemExit('read ' + str(len(open(path).readlines())))\n"
    )
    python = str(training_python())
    done = run_helper(
        "dry_run", "train.py", "--json", "--python", python, home=home, cold=True, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token
    )
    assert done.json["reason"].endswith("read 30")
    assert [(each["method"], each["repo"]) for each in done.json["writes"]] == [
        ("create_repo", "ada/new"),
        ("upload_file", "ada/new"),
    ]
    assert {request.method for request in hub.service.requests} <= {"GET", "HEAD"}
    assert ("model", "ada/new") not in hub.repos
    assert not (home / "written.txt").exists()


def uv(folder: Path, output: str) -> str:
    """A PATH on which uv fails to install with `output`."""
    program = folder / "bin/uv"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = venv ] && exit 0\nprintf "%s\\n" "{output}" >&2\nexit 1\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        ("No solution found when resolving dependencies: peft>=0.99 is unsatisfiable", 1, "cannot be resolved"),
        ("error: dns error: failed to lookup address", 3, "could not build"),
    ],
    ids=["exclude each other", "no network"],
)
def test_a_header_that_cannot_be_met(home: Path, tmp_path: Path, output: str, code: int, said: str) -> None:
    (home / "train.py").write_text('# /// script\n# dependencies = ["peft>=0.99"]\n# ///\nprint(1)\n')
    done = run_helper("dry_run", "train.py", "--json", home=home, cold=True, PATH=uv(tmp_path, output))
    assert done.code == code
    assert said in json.dumps(done.json)
