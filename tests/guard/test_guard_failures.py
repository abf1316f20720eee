"""Where the guard, the disk, the clock or the command line misbehave: a safe answer, nothing lost, nobody stuck."""

from __future__ import annotations

import fcntl
import io
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.command_lines import HARMLESS, LAUNCHES, lines
from guard.project import GOOD, JOB, Project, answer_of
from ml_intern_helpers.guard import hook
from ml_intern_helpers.runs import ledger
from support.helpers import ROOT
from support.plugin_copy import without_override

pytestmark = pytest.mark.slow

#: A paid job that trains nothing: "one first" does not concern it.
LOOK = "hf jobs run --flavor a10g-large --timeout 3h -d pytorch/pytorch:latest nvidia-smi"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


# ---------------------------------------------------------------------- the guard itself
@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[str, str], Project]:
    """A project whose plugin is a copy with one module replaced."""

    def make(module: str, text: str) -> Project:
        root = tmp_path / "plugin"
        for part in ("src", "scripts"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        target = root / "src/ml_intern_helpers" / module
        assert target.exists()
        target.write_text(text)
        return Project(tmp_path, root)

    return make


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("guard/launch_decision.py", "import nothing_of_that_name\n"),
        ("guard/launch_decision.py", "def (:\n"),
        ("guard/prefilter.py", "def (:\n"),
        ("guard/holds.py", "raise SystemError('x')\n"),
        ("launches/find.py", "raise MemoryError\n"),
        ("preflight/launch_check.py", "raise SystemExit\n"),
        ("runs/ledger.py", "import nothing_of_that_name\n"),
    ],
)
def test_a_damaged_plugin_lets_no_launch_pass_in_silence(damaged: Callable[[str, str], Project], module: str, text: str) -> None:
    project = damaged(module, text)
    project.agree()
    answer = project.ask(JOB)
    assert (answer.kind, answer.code) == ("ask", 0)
    assert "could not check" in answer.reason
    assert project.ask("git status").kind == "", "what launches nothing is not held by our faults"


def test_a_damaged_plugin_that_is_switched_off_stays_off(damaged: Callable[[str, str], Project]) -> None:
    project = damaged("guard/launch_decision.py", "def (:\n")
    assert project.ask(JOB, ML_INTERN_GUARD="off").kind == ""


# ---------------------------------------------------------------------- what lies in the folder
def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff\xfe not json\n" * 50)


def folder(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def nested(path: Path) -> None:
    path.write_text("[" * 200_000)


def half(path: Path) -> None:
    path.write_text('{"schema": "ml-intern/task/v1", "method":')


@pytest.mark.parametrize("what", [garbage, folder, dangling], ids=lambda one: one.__name__)
def test_a_corrupt_ledger_is_asked_about_and_left_alone(project: Project, what: Callable[[Path], None]) -> None:
    project.agree()
    path = project.ours / "runs.jsonl"
    what(path)
    before = path.read_bytes() if path.is_file() else os.lstat(path).st_mode
    answer = project.ask(JOB)
    assert answer.kind == "ask"
    assert "ledger" in answer.reason or "runs.jsonl" in answer.reason
    assert (path.read_bytes() if path.is_file() else os.lstat(path).st_mode) == before


@pytest.mark.parametrize("command", [JOB, "python train.py"], ids=["job", "local"])
@pytest.mark.parametrize("what", [garbage, folder, dangling, nested, half], ids=lambda one: one.__name__)
def test_a_corrupt_task_file_is_asked_about(project: Project, what: Callable[[Path], None], command: str) -> None:
    project.ours.mkdir()
    what(project.ours / "task.json")
    answer = project.ask(command)
    assert (answer.kind, "the task file cannot be read" in answer.reason) == ("ask", True)


def test_a_locked_ledger_is_asked_about_in_time_and_nobody_is_stuck(project: Project) -> None:
    project.agree()
    with (project.ours / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        start = time.monotonic()
        answer = project.ask(JOB)
        assert (answer.kind, "holds the lock" in answer.reason) == ("ask", True)
        assert time.monotonic() - start < 15, "the client gives up on the hook after 20 s, and lets the call pass"
        assert project.runs() == []
    assert project.ask(JOB).kind == ""


def test_a_read_only_folder_is_asked_about(project: Project) -> None:
    project.agree()
    project.ours.chmod(0o555)
    try:
        answer = project.ask(JOB, without_override)
    finally:
        project.ours.chmod(0o755)
    assert (answer.kind, "could not be written" in answer.reason) == ("ask", True)
    assert "next: make it writable" in answer.reason


def full_disk() -> None:
    """No file may grow beyond 100 bytes: a write fails half-way, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_a_full_disk_is_asked_about_and_loses_nothing(project: Project) -> None:
    project.agree()
    project.on_file({"id": "before", "state": "completed", "settled_usd": 1})
    before = (project.ours / "runs.jsonl").read_bytes()
    answer = project.ask(JOB, full_disk)
    assert (answer.kind, "could not be written" in answer.reason) == ("ask", True)
    assert (project.ours / "runs.jsonl").read_bytes() == before
    assert project.ask(JOB).kind == ""
    assert project.runs()[0]["id"] == "before"


def test_a_run_here_needs_no_folder_of_ours(project: Project) -> None:
    project.folder.chmod(0o555)
    try:
        assert project.ask("python train.py", without_override) == ("", "", "", 0, "")
        assert project.ask(JOB, without_override).kind == "ask"
    finally:
        project.folder.chmod(0o755)


@pytest.mark.parametrize("at", ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday", None, 5], ids=str)
def test_a_clock_that_jumped_frees_no_money(project: Project, at: Any) -> None:
    """A running job counts for the day and for the task, whatever the time beside it says."""
    project.agree(spend_cap_usd=100, spend_cap_usd_per_day=8)
    project.on_file({"state": "running", "trained_at": "2026-11-23T01:20:00Z", "reserved_usd": 6, "at": at})
    answer = project.ask(LOOK)
    assert (answer.kind, "2.00 of 8.00 USD are left for the last 24 hours" in answer.reason) == ("ask", True)


# ---------------------------------------------------------------------- two sessions
def test_eight_sessions_spend_no_dollar_twice(project: Project) -> None:
    project.agree()  # 10 USD; a job may cost 4.50
    asked = [(project.start(), project.event(LOOK, session_id=f"s{number}")) for number in range(8)]
    for process, event in asked:
        assert process.stdin is not None
        process.stdin.write(event)
        process.stdin.close()
        process.stdin = None
    answers = [answer_of(process.communicate(timeout=60)[0]) for process, _ in asked]
    assert sorted(answer.kind for answer in answers) == ["", "", *["ask"] * 6]
    assert [run["state"] for run in project.runs()] == ["reserved"] * 2


def test_two_sessions_start_one_training_between_them(project: Project) -> None:
    project.agree(spend_cap_usd=1000)
    asked = [(project.start(), project.event(JOB, session_id=f"s{number}")) for number in range(6)]
    for process, event in asked:
        assert process.stdin is not None
        process.stdin.write(event)
        process.stdin.close()
        process.stdin = None
    answers = [answer_of(process.communicate(timeout=60)[0]) for process, _ in asked]
    assert [answer.kind for answer in answers].count("") == 1
    last = {run["id"]: run["state"] for run in project.runs()}
    assert list(last.values()).count("reserved") == 1


def test_a_hook_that_is_killed_half_way_loses_nothing_and_blocks_nobody(project: Project) -> None:
    project.agree(spend_cap_usd=1000)
    passed = 0
    for number in range(24):
        process = project.start()
        assert process.stdin is not None
        process.stdin.write(project.event(LOOK))
        process.stdin.close()
        process.stdin = None
        time.sleep(0.04 * number)
        process.kill()
        stdout = process.communicate()[0]
        passed += process.returncode == 0 and answer_of(stdout).kind == ""
    found = ledger.read(project.ours)
    assert found.damaged == []
    assert len(found.entries) >= passed
    count = len(found.entries)
    assert project.ask(LOOK).kind == "", "nobody is stuck"
    assert len(project.runs()) == count + 1


# ---------------------------------------------------------------------- the command line
@pytest.fixture
def asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], str]:
    """The hook's entry in this process: what it writes for an event."""
    project.agree(spend_cap_usd=100_000, where="local")
    monkeypatch.chdir(project.folder)
    for name, text in {
        "run.sh": "python train.py\n",
        "Makefile": "train:\n\tpython train.py\n",
        "submit.py": "print(1)\n",
    }.items():
        project.write(name, text)

    def ask(data: bytes) -> str:
        out = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
            patch.setattr(sys, "stdout", out)
            assert hook.main(["pre_tool_use"]) == 0
        return out.getvalue()

    return ask


#: Lines that start train.py or a job in ways a reader may stumble over; none may pass unseen.
HIDDEN = {
    "100-kB": f"python train.py {'x' * 100_000}",
    "100-kB-of-words": f"python train.py {'x ' * 50_000}",
    "1-MB": f"{JOB} {'x' * 1_000_000}",
    "many-commands": "true;" * 9000 + "python train.py",
    "nested-shells": 'bash -c "bash -c \'bash -c \\"python train.py\\"\'"',
    "nested-too-deep": "eval " * 200 + "python train.py",
    "nested-substitutions": "echo " + "$(echo " * 60 + "$(python train.py)" + ")" * 60,
    "substitution-as-program": "$(echo python) train.py",
    "backticks": "`which python` train.py",
    "heredoc-for-a-shell": "bash <<'END'\nset -e\npython train.py\nEND",
    "heredoc-with-tabs": "bash <<-END\n\tpython train.py\n\tEND",
    "heredoc-for-python": f"python - <<'END'\nimport subprocess\nsubprocess.run({JOB.split()!r})\nEND",
    "heredoc-never-closed": "bash <<'END'\npython train.py\n",
    "script-written-before": "cat > late.sh <<'END'\npython train.py\nEND\nbash late.sh",
    "script-that-is-not-there": JOB.replace("train.py", "tomorrow.py"),
    "quote-never-closed": "python train.py 'x",
    "quote-on-a-later-line": "python train.py\necho 'x",
    "ansi-quotes": "$'python' train.py",
    "escaped-letters": "p\\y\\t\\h\\o\\n train.py",
    "continued-lines": "pyth\\\non tra\\\nin.py",
    "carriage-return": "python train.py\r",
    "no-break-space-behind": "python train.py \u00a0",
    "bidi-mark-behind": "python train.py \u202e",
    "comment-before": "# nothing\npython train.py",
    "brace-group": "{ python train.py; }",
    "process-substitution": "tee >(cat) < <(python train.py)",
    "function": "t() { python train.py; }\nt",
    "alias": "alias t='python train.py'\nt",
    "variable": "P=python; $P train.py",
    "variable-in-parts": "A=py; B=thon; $A$B train.py",
    "doubling-variable": "A=xx;" + "A=$A$A;" * 60 + "python train.py $A",
    "eval": "eval \"$(echo python train.py)\"; eval 'python train.py'",
    "trap": "trap 'python train.py' EXIT",
    "case": "case x in x) python train.py;; esac",
    "trap-on-a-later-line": "set -e\ntrap 'python train.py' EXIT",
    "xargs": f"echo train.py | xargs {JOB.removesuffix('train.py')}",
    "find-exec": f"find . -name train.py -exec {JOB.replace('train.py', '{}')} \\;",
    "substitution-in-a-heredoc": "cat <<END\n$(python train.py)\nEND",
    "substitution-in-a-redirect": "cat < <(python train.py)",
    "arithmetic": "((1)) && python train.py",
    "coproc": "coproc python train.py",
    "exec": "exec python train.py",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_launch_that_hides_is_not_let_through(project: Project, asked: Callable[[bytes], str], name: str) -> None:
    """train.py has a mistake, and no money was agreed: whichever way the line is understood, it is held."""
    project.agree(where="local", spend_cap_usd=0)
    project.write("train.py", GOOD.replace("max_length", "max_seq_length"))
    start = time.monotonic()
    answer = answer_of(asked(project.event(HIDDEN[name])).encode())
    assert answer.kind in ("deny", "ask"), "it passed"
    assert len(answer.reason) < 6000
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("tricks", ["\0", "\ud800", "\x1b[2J", "\u2028", "\x00\x01\x02"], ids=ascii)
def test_characters_without_a_shape_break_nothing(project: Project, tricks: str) -> None:
    project.agree(spend_cap_usd=0)
    answer = project.ask(f"{JOB} {tricks}")
    assert (answer.kind, answer.code, answer.stderr) == ("ask", 0, "")
    assert answer.reason.replace("\n", "").isprintable()


EVENTS = {
    "no-input": {"tool_input": None},
    "list": {"tool_input": []},
    "number": {"tool_input": {"command": 5}},
    "folder-that-is-gone": {"cwd": "/nowhere/at/all"},
    "folder-is-no-text": {"cwd": 5},
    "folder-with-a-null": {"cwd": "/a\0b"},
    "ids-of-another-kind": {"session_id": 5, "tool_use_id": ["x"], "transcript_path": {"a": 1}},
    "long-ids": {"session_id": "x" * 300_000},
}


@pytest.mark.parametrize("name", EVENTS)
def test_events_of_another_shape_get_an_answer_or_silence(project: Project, name: str) -> None:
    project.agree()
    answer = project.ask(JOB, event=EVENTS[name])
    assert (answer.code, answer.stderr) == (0, "")
    held = name in ("folder-that-is-gone", "folder-with-a-null")
    assert (answer.kind == "ask") or not held, "a launch whose folder cannot be found is not let through"


# ---------------------------------------------------------------------- anything
FRAGMENTS = st.sampled_from(
    [*lines(LAUNCHES), *lines(HARMLESS), JOB, "python train.py", "&&", "||", ";", "|", "\n", "'", '"', "`", "$(", ")", "<<EOF\n", "\nEOF\n",
     "\\", "for x in a b; do", "done", "{", "}", "((", "))", "$'", "${x:-", "#", "!", "alias p=python\n", "\0", "\u202e", "é"]
)  # fmt: skip
COMMANDS = st.one_of(
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=8).map(" ".join),
    st.lists(FRAGMENTS, max_size=5).map("".join),
    st.text(max_size=60),
)


@settings(max_examples=250, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(command=COMMANDS)
def test_any_command_gets_one_object_or_nothing(asked: Callable[[bytes], str], command: str) -> None:
    event = {"tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(Path.cwd()), "session_id": "s"}
    answer_of(asked(json.dumps(event).encode("utf-8", "surrogatepass")).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=6), one, max_size=3),
    max_leaves=8,
)


@settings(max_examples=250, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("tool_name", "tool_input", "cwd", "session_id", "tool_use_id", "transcript_path"), JSON),
        ).map(lambda one: json.dumps({**one, "tool_name": "Bash"}).encode()),
    )
)
def test_any_event_gets_one_object_or_nothing(asked: Callable[[bytes], str], data: bytes) -> None:
    answer_of(asked(data).encode())
