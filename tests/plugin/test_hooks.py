"""The hooks as the client starts them: through the launcher, event on stdin, one JSON object or nothing on stdout."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ml_intern_helpers.cli.commands import COMMANDS
from ml_intern_helpers.guard.own_helpers import READ_ONLY_HELPERS, WRITING_WORDS
from support.helpers import ROOT, clean_environment
from support.plugin_copy import fake_uv, make_machine

SCRIPTS = ROOT / "skills/ml-intern/scripts"
#: Words in an option's name that smell of writing, starting or connecting to something.
WRITES = re.compile(
    r"^--out|write|bibtex|forget|save|export|dump|html|fix|apply|exec|run|command|shell|push|upload|submit|jobs|log|cache|endpoint|url|python"
)


def start_hook(stdin: bytes, home: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the PreToolUse entry of hooks.json as the client does."""
    [group] = json.loads((ROOT / "hooks/hooks.json").read_text())["hooks"]["PreToolUse"]
    [hook] = group["hooks"]
    command = [part.replace("${CLAUDE_PLUGIN_ROOT}", str(ROOT)) for part in (hook["command"], *hook["args"])]
    env = clean_environment(home, CLAUDE_PLUGIN_ROOT=str(ROOT), **environment)
    return subprocess.run(command, input=stdin, env=env, cwd=home, capture_output=True, timeout=hook["timeout"], check=False)


def bash_event(command: str) -> bytes:
    return json.dumps(
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}, "cwd": "/"}
    ).encode()


def test_helper_call_is_allowed_with_one_object(home: Path) -> None:
    done = start_hook(bash_event(shlex.quote(f"{SCRIPTS}/detect_compute.sh")), home)
    assert done.returncode == 0
    assert done.stderr == b""
    answer = json.loads(done.stdout)["hookSpecificOutput"]
    assert (answer["hookEventName"], answer["permissionDecision"]) == ("PreToolUse", "allow")
    assert "ml-intern" in answer["permissionDecisionReason"]


@pytest.mark.parametrize(
    "stdin",
    [
        pytest.param(bash_event("git status"), id="another-command"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="half-an-object"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"\xff\xfe\x00", id="no-utf-8"),
        pytest.param(b'{"tool_name": "Bash"}', id="no-input"),
        pytest.param(b'{"tool_name": "Bash", "tool_input": {"command": "\\ud800"}}', id="lone-surrogate"),
        pytest.param(b"[" * 100_000, id="deep-nesting"),
    ],
)
def test_everything_else_gets_silence_and_zero(stdin: bytes, home: Path) -> None:
    done = start_hook(stdin, home)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_machine_without_python_gets_silence_and_no_download(tmp_path: Path) -> None:
    """An error, or 35 MB of Python, at every Bash call of every session is not what a hook is for."""
    machine = make_machine(tmp_path)
    fake_uv(machine)
    done = machine.run(machine.launch, "guard", "pre_tool_use")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    assert machine.log() == []
    assert machine.run(machine.launch, "preflight_check", "x.py").code == 3, "the helper itself tells of it"


def test_hook_builds_no_environment(home: Path) -> None:
    """It must answer in milliseconds on a machine where nothing was installed yet."""
    start_hook(bash_event("ls"), home)
    assert {path.name for path in home.rglob("*") if path.is_file()} <= {"python"}, "at most which Python was found"


@pytest.mark.parametrize("name", sorted(READ_ONLY_HELPERS))
def test_helper_has_no_undeclared_option_that_writes_or_starts_something(name: str) -> None:
    """The older spellings of a command with subcommands are not in its help: its parsers are asked."""
    module = importlib.import_module(COMMANDS[name])
    subcommands = getattr(module, "SUBCOMMANDS", {})
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    for add_arguments in (module.add_arguments, *(each.add_arguments for each in subcommands.values())):
        add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    writing = {option for option in options if WRITES.search(option)}
    assert writing == READ_ONLY_HELPERS[name], "an option that writes must be declared in READ_ONLY_HELPERS"
    assert all(option.startswith("--") for option in READ_ONLY_HELPERS[name]), "short options can be glued together"
    changing = {frozenset(subcommand.split()) for subcommand in subcommands if WRITES.search(subcommand)}
    assert changing == ({WRITING_WORDS[name]} if name in WRITING_WORDS else set())


def test_every_wrapper_is_listed_or_left_out_on_purpose() -> None:
    runs_the_users_script = {"dry_run"}
    assert {path.stem for path in SCRIPTS.glob("*.sh")} - runs_the_users_script == set(READ_ONLY_HELPERS)
