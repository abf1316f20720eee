"""What every command promises: forms, exit codes, a pure stdout, no trace of ours. New commands are covered by being listed."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from ml_intern_helpers.cli import commands
from ml_intern_helpers.compute import detect_compute
from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.report import Report
from support import warm
from support.helpers import ROOT, clean_environment

pytestmark = pytest.mark.slow

MAIN = str(ROOT / "src/ml_intern_helpers/__main__.py")
COMMON_KEYS = {"schema", "status", "findings", "warnings", "error"}
#: A call that each command can answer without a network, in whatever way: the forms are what is looked at.
CALLS = {
    "detect_compute": [],
    "inspect_dataset": ["no/such-dataset"],
    "crawl_arxiv": ["lora"],
    "hf_paper_meta": ["2501.00001"],
    "preflight_check": ["no-such-script.py"],
    "api_lookup": ["NoSuchName"],
    "task": ["show"],
    "budget": [],
    "dry_run": ["no-such-script.py"],
}
every_command = pytest.mark.parametrize("command", commands.COMMANDS)


def run(home: Path, *words: str, shell: str | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    """`python __main__.py words…` in a warm process, or cold within a shell line in which `$CALL` stands for it."""
    environment = clean_environment(home, **extra)
    if shell is None:
        code, out, err = warm.run([*words], environment, home, timeout_s=60)
        return subprocess.CompletedProcess(words, code, out.decode(), err.decode())
    environment |= {"PYTHON": sys.executable, "MAIN": MAIN}
    call = ["bash", "-c", shell.replace("$CALL", '"$PYTHON" -I -X utf8 "$MAIN"')]
    return subprocess.run(
        call, env=environment, cwd=home, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60
    )


@functools.cache
def usual(command: str, form: str = "--json") -> subprocess.CompletedProcess[str]:
    """What the command does when nothing is in its way; run once for all tests."""
    with tempfile.TemporaryDirectory() as home:
        return run(Path(home), command, form, *CALLS[command])


@every_command
def test_help_has_two_examples_and_the_exit_codes(command: str) -> None:
    done = usual(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout[done.stdout.index("examples:") :]
    examples = [line for line in text.splitlines() if line.startswith(f"  {command}")]
    assert len(examples) >= 2
    assert all(code in text for code in ("0 good", "1 ", "2 wrong usage", "3 could not tell", "70 a bug"))
    assert max(map(len, done.stdout.splitlines())) <= 130


@every_command
def test_the_examples_of_the_help_are_understood(command: str) -> None:
    import importlib
    import shlex

    module = importlib.import_module(commands.COMMANDS[command])
    subcommands = getattr(module, "SUBCOMMANDS", {})
    for epilog in (module.EPILOG, *(each.epilog for each in subcommands.values())):
        examples = [line for line in epilog.splitlines() if line.startswith(f"  {command}")]
        assert len(examples) >= 2
        for line in examples:
            commands.parse(command, module, shlex.split(re.split(r"\s{2,}", line.strip())[0])[1:])


@every_command
def test_json_has_its_keys_and_stdout_nothing_else(command: str) -> None:
    done = usual(command)
    answer = json.loads(done.stdout)
    assert answer.keys() >= COMMON_KEYS
    assert answer["schema"] == f"ml-intern/{command}/v1"
    assert answer["status"] in ("ok", "failed", "unknown", "error")
    assert done.returncode in (0, 1, 3)
    if answer["status"] == "error":
        assert done.returncode == 3
        assert answer["error"]["message"] in done.stderr
        assert "  next: " in done.stderr
    assert "Traceback" not in done.stderr


@every_command
def test_the_keys_are_the_same_whatever_goes_wrong(home: Path, command: str) -> None:
    answered = json.loads(usual(command).stdout)
    misused = json.loads(run(home, command, "--json", "--no-such-option").stdout)
    assert misused.keys() == answered.keys()
    assert misused["error"].keys() == {"code", "message", "hint"}


#: Every command once, and one command every way.
MISUSES = [(command, ["--no-such-option"]) for command in commands.COMMANDS]
MISUSES += [
    ("detect_compute", words.split()) for words in ("--timeout soon", "--timeout nan", "--timeout 0", "--json --text", "stray")
]


@pytest.mark.parametrize(("command", "words"), MISUSES, ids=lambda each: each if isinstance(each, str) else " ".join(each))
def test_wrong_usage_is_code_2_with_a_way_on(home: Path, command: str, words: list[str]) -> None:
    done = run(home, command, "--json", *words)
    assert done.returncode == 2
    if "--text" not in words:
        assert json.loads(done.stdout)["error"]["code"] == "usage"
    assert done.stderr.startswith(f"{command}: ")
    assert f"`{command} --help`" in done.stderr
    assert "_seconds" not in done.stderr


@every_command
@pytest.mark.parametrize("form", ["--text", "--human"])
def test_readable_forms_carry_no_colour_and_no_control_characters_into_a_pipe(home: Path, command: str, form: str) -> None:
    done = run(home, command, form, *CALLS[command], FORCE_COLOR="", TERM="xterm-256color")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr)
    if done.returncode == 3:
        assert done.stderr.startswith(f"{command}: ")


@every_command
def test_a_strangers_argument_does_not_reach_the_terminal_raw(home: Path, command: str) -> None:
    done = run(home, command, "--text", "--\x1b[31mred\u202e")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


@every_command
def test_closed_streams_are_no_obstacle(home: Path, command: str) -> None:
    expected = usual(command).returncode
    done = run(home, shell=f"$CALL {command} --json {' '.join(CALLS[command])} <&- 2>&-")
    assert done.returncode == expected
    assert json.loads(done.stdout)["schema"].startswith("ml-intern/")


@every_command
def test_a_closed_stdout_keeps_the_exit_code(home: Path, command: str) -> None:
    words = " ".join(CALLS[command])
    expected = usual(command).returncode
    done = run(home, shell=f"$CALL {command} --json {words} >&-")
    assert done.returncode == expected
    assert "Traceback" not in done.stderr


#: Every command with its answer; the help is printed by argparse, the same for all.
EARLY = [*((command, "--json") for command in commands.COMMANDS), ("preflight_check", "--help"), ("crawl_arxiv", "--help")]


@pytest.mark.parametrize(("command", "form"), EARLY)
def test_a_reader_that_leaves_early_changes_nothing(home: Path, command: str, form: str) -> None:
    words = " ".join(CALLS[command])
    expected = usual(command, form).returncode
    done = run(home, shell=f"$CALL {command} {form} {words} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == expected
    assert "BrokenPipe" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@every_command
def test_an_answer_that_cannot_be_written_is_not_a_good_one(home: Path, command: str) -> None:
    done = run(home, shell=f"$CALL {command} --json {' '.join(CALLS[command])} >/dev/full")
    assert done.returncode == 3
    assert "could not write the answer: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@every_command
def test_another_encoding_of_the_terminal_is_no_obstacle(home: Path, command: str) -> None:
    call = [sys.executable, MAIN, command, "--json", *CALLS[command]]
    environment = clean_environment(home, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    done = subprocess.run(call, env=environment, cwd=home, capture_output=True, check=False)
    assert json.loads(done.stdout.decode("utf-8"))["schema"] == f"ml-intern/{command}/v1"


@every_command
def test_the_version_is_told(home: Path, command: str) -> None:
    done = run(home, command, "--version")
    assert (done.returncode, done.stdout.startswith("ml-intern ")) == (0, True)


@pytest.mark.parametrize("words", [[], ["no_such_command"], ["--help"]], ids=["nothing", "unknown", "option"])
def test_without_a_command_the_commands_are_named(home: Path, words: list[str]) -> None:
    done = run(home, *words)
    assert done.returncode == 2
    assert all(command in done.stderr for command in commands.COMMANDS)


# What no command does on purpose is shown with one that does it on purpose.


def played(home: Path, body: str, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A command whose `run` or `render` is replaced by `body`, in this process."""
    names = {"cli": commands, "module": detect_compute, "Unavailable": Unavailable, "Report": Report}
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before, known = dict(vars(detect_compute)), dict(commands.COMMANDS)
    environment = mock.patch.dict(os.environ, clean_environment(home, **extra), clear=True)
    with environment, redirect_stdout(out), redirect_stderr(err):
        try:
            exec(body, names)
            code = commands.main("detect_compute", [*words])
        finally:
            vars(detect_compute).update(before)
            commands.COMMANDS.update(known)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code, *texts)


@pytest.mark.parametrize(
    ("status", "code"),
    [("'ok'", 0), ("'failed'", 1), ("'unknown'", 3), ("'ok', exit_code=1", 1), ("'unknown', exit_code=0", 0)],
)
def test_a_status_has_its_code(home: Path, status: str, code: int) -> None:
    assert played(home, f"module.run = lambda *_: Report('detect_compute', {status})", "--json").returncode == code


@pytest.mark.parametrize("form", ["--json", "--text", "--human"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("module.run = lambda *_: 1 / 0", id="in-the-command"),
        pytest.param("module.add_arguments = lambda _: 1 / 0", id="in-its-arguments"),
    ],
)
def test_a_bug_is_code_70_and_never_an_answer(home: Path, body: str, form: str) -> None:
    done = played(home, body, form)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    assert "please report" in done.stderr
    if form == "--json":
        assert json.loads(done.stdout)["error"]["code"] == "bug"
    else:
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("body", "form"),
    [
        pytest.param("module.render = lambda _: 1 / 0", "--text", id="text"),
        pytest.param("module.render_human = lambda *_: 1 / 0", "--human", id="human"),
        pytest.param("module.run = lambda *_: Report('detect_compute', fields={('a',): 1})", "--json", id="json"),
    ],
)
def test_a_bug_in_the_rendering_is_one_too(home: Path, body: str, form: str) -> None:
    assert played(home, body, form).returncode == 70


def test_a_module_that_cannot_be_imported_is_a_bug_with_an_object(home: Path) -> None:
    done = played(home, "cli.COMMANDS['detect_compute'] = 'ml_intern_helpers.no_such_room'", "--json")
    assert done.returncode == 70
    assert json.loads(done.stdout)["error"]["code"] == "bug"


def test_an_error_tells_what_and_what_next(home: Path) -> None:
    body = "def run(*_):\n    raise Unavailable('the \\x1b[31mservice\\nis away', hint='wait')\nmodule.run = run"
    done = played(home, body, "--json")
    assert done.returncode == 3
    assert done.stderr == "detect_compute: the service is away\n  next: wait\n"


#: As it stands in the code that is played: escapes, not the characters.
NASTY = r"a\x1b[31m\x9b1m\u202eb\nREADY: c"


@pytest.mark.parametrize("form", ["--json", "--text"])
@pytest.mark.parametrize(
    "does",
    [
        pytest.param(f"args[1].warn('{NASTY}')", id="warning"),
        pytest.param(f"raise Unavailable('{NASTY}', hint='{NASTY}')", id="error"),
        pytest.param(f"raise ValueError('{NASTY}')", id="bug-and-its-trace"),
        pytest.param(f"found.append(Finding('X1', 'error', *['{NASTY}'] * 2, evidence='{NASTY}', fix='{NASTY}'))", id="finding"),
    ],
)
def test_what_strangers_said_is_clean_and_fakes_no_line(home: Path, does: str, form: str) -> None:
    body = (
        "from ml_intern_helpers.core.report import Finding, render_finding\nfound = []\n"
        f"def run(*args):\n    {does}\n    return Report('detect_compute', findings=found)\n"
        "module.run = run\nmodule.render = lambda report: chr(10).join(map(render_finding, report.findings))"
    )
    done = played(home, body, form)
    told = done.stdout + done.stderr
    assert "ab" in told
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", told)
    if done.returncode != commands.BUG:  # a trace has lines
        assert "ab READY: c" in told
        assert not [line for line in told.splitlines() if line.startswith("READY")]
        assert "\\n" not in told


def test_warnings_are_in_the_object_or_on_stderr_and_nowhere_twice(home: Path) -> None:
    body = (
        "def run(args, context):\n    context.warn('one')\n    context.warn('one')\n"
        "    return Report('detect_compute', warnings=['two', 'one'])\nmodule.run = run\nmodule.render = lambda _: 'verdict'"
    )
    as_json = played(home, body, "--json")
    assert json.loads(as_json.stdout)["warnings"] == ["one", "two"]
    assert as_json.stderr == ""
    as_text = played(home, body, "--text")
    assert (as_text.stdout, as_text.stderr) == ("verdict\n", "warning: one\nwarning: two\n")


def test_json_is_json_whatever_the_rows_hold(home: Path) -> None:
    value = "{'nan': [float('nan'), -float('inf')], 'half': '\\ud800', 'set': {1}, 'big': 10**40, 'text': 'ü\\x1b'}"
    done = played(home, f"module.run = lambda *_: Report('detect_compute', fields={value})", "--json")
    assert done.returncode == 0
    strict = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (strict["nan"], strict["half"], strict["big"], strict["text"]) == (["nan", "-inf"], "\ud800", 10**40, "ü\x1b")
    assert "\x1b" not in done.stdout


def test_an_interrupted_command_says_so(home: Path) -> None:
    body = "def run(*_):\n    raise KeyboardInterrupt\nmodule.run = run"
    done = played(home, body, "--json")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "detect_compute: stopped\n")


def test_progress_is_for_terminals_alone(home: Path) -> None:
    body = "def run(args, context):\n    context.progress('working')\n    return Report('detect_compute')\nmodule.run = run"
    assert played(home, body, "--json").stderr == ""


@pytest.mark.parametrize(
    ("variables", "offline"),
    [
        ({"HF_HUB_OFFLINE": "1"}, True),
        ({"TRANSFORMERS_OFFLINE": "yes"}, True),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, False),
        ({"HF_HUB_OFFLINE": ""}, False),
        ({}, False),
    ],
)
def test_offline_is_read_as_the_hubs_client_reads_it(home: Path, variables: dict[str, str], offline: bool) -> None:
    body = "module.run = lambda args, context: Report('detect_compute', fields={'offline': context.offline})"
    assert json.loads(played(home, body, "--json", **variables).stdout)["offline"] is offline
    ask = "from huggingface_hub import constants; print(constants.HF_HUB_OFFLINE)"
    done = subprocess.run(
        [sys.executable, "-c", ask], env=clean_environment(home, **variables), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(offline)


def test_a_home_that_does_not_exist_is_no_obstacle(home: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent/home",
        "HF_TOKEN": "hf_" + "a" * 34,
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-I", MAIN, "detect_compute"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
