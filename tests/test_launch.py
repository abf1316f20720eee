"""scripts/launch as a user, a hook and a wrapper start it: which Python it takes and what it leaves alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ml_intern_helpers.__main__ import PROGRAMS
from ml_intern_helpers.cli import commands
from ml_intern_helpers.core.paths import cache_dir
from support.helpers import ROOT
from support.plugin_copy import PYTHON, Machine, make_machine, python_at, without_override

SHELLS = [name for name in ("sh", "bash", "dash", "busybox") if shutil.which(name)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose `python3` is a good one."""
    made = make_machine(tmp_path)
    python_at(made.bin / "python3")
    return made


def test_lists_agree() -> None:
    """What launch starts without an environment is what the package says needs none, and every command has its wrapper."""
    text = (ROOT / "scripts/launch").read_text()
    (listed,) = re.findall(r"^STANDARD_LIBRARY='(.*)'$", text, re.MULTILINE)
    assert set(listed.split()) == commands.STANDARD_LIBRARY | set(PROGRAMS)
    wrappers = {path.stem: path for path in (ROOT / "skills/ml-intern/scripts").glob("*.sh")}
    assert set(wrappers) == set(commands.COMMANDS)
    for command, path in wrappers.items():
        first, second = path.read_text().splitlines()
        assert (first, f' {command} "$@"' in second, os.access(path, os.X_OK)) == ("#!/bin/sh", True, True)


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell(machine: Machine, shell: str) -> None:
    """bash as it was in 3.2 is closest to today's in POSIX mode; dash and BusyBox know no bash at all."""
    program = str(shutil.which(shell))
    call = {"bash": [program, "--posix"], "busybox": [program, "sh"]}.get(shell, [program])
    done = machine.run(*call, machine.launch, "mcp_headers")
    assert (done.code, done.stdout, done.stderr) == (0, "{}", "")


def links(machine: Machine, folder: Path) -> dict[str, Path]:
    """The ways to the preflight wrapper that a user may have made."""
    wrapper = machine.root / "skills/ml-intern/scripts/preflight_check.sh"
    (folder / "my bin").mkdir()
    absolute, relative, chain = folder / "my bin/absolute", folder / "my bin/relative", folder / "my bin/chain"
    absolute.symlink_to(wrapper)
    relative.symlink_to(os.path.relpath(wrapper, folder / "my bin"))
    chain.symlink_to("relative")
    (folder / "linked plugin").symlink_to(machine.root)
    (folder / "linked scripts").symlink_to(wrapper.parent)
    return {
        "plain": wrapper,
        "absolute-link": absolute,
        "relative-link": relative,
        "chain": chain,
        "linked-plugin": folder / "linked plugin/skills/ml-intern/scripts/preflight_check.sh",
        "linked-scripts-folder": folder / "linked scripts/preflight_check.sh",
    }


@pytest.mark.parametrize("way", ["plain", "absolute-link", "relative-link", "chain", "linked-plugin", "linked-scripts-folder"])
def test_wrapper_through_links(machine: Machine, tmp_path: Path, way: str) -> None:
    done = machine.run(links(machine, tmp_path)[way], "--version", cwd=tmp_path)
    assert (done.code, done.stdout.split()[0], done.stderr) == (0, "ml-intern", "")


@pytest.mark.parametrize("folder", ["scripts", "skills/ml-intern/scripts"])
def test_called_without_a_slash(machine: Machine, folder: str) -> None:
    name, arguments = ("launch", ["preflight_check"]) if folder == "scripts" else ("preflight_check.sh", [])
    done = machine.run("/bin/sh", name, *arguments, "--version", cwd=machine.root / folder)
    assert (done.code, done.stdout.split()[0]) == (0, "ml-intern")


def test_arguments_arrive_whole(machine: Machine, tmp_path: Path) -> None:
    """Spaces, quotes, globs, an empty word, a newline, a leading dash: one argument each."""
    words = ["a b", "q\"uo'te", "*", "", "two\nlines", "-x", "$HOME", "ünï"]
    echo = "import sys; print(sys.argv[1:])"
    done = machine.run(machine.launch, "--env", "training", "-c", echo, *words, ML_INTERN_TRAINING_PYTHON=PYTHON)
    assert done.stdout.strip() == repr(words)


def test_modules_of_the_working_folder_are_not_imported(machine: Machine, tmp_path: Path) -> None:
    """A cloned project may hold a json.py; so may PYTHONPATH. The helpers run where Claude was sent to look around."""
    for name in ("json", "os", "argparse", "ast", "ml_intern_helpers", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    done = machine.run(
        machine.root / "skills/ml-intern/scripts/preflight_check.sh",
        "--version",
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
        PYTHONSTARTUP=str(tmp_path / "json.py"),
        PYTHONHOME=str(tmp_path),
    )
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        pytest.param({}, "home/.cache/ml-intern", id="home"),
        pytest.param({"XDG_CACHE_HOME": "{0}/xdg"}, "xdg/ml-intern", id="xdg"),
        pytest.param({"XDG_CACHE_HOME": "{0}/xdg", "ML_INTERN_CACHE": "{0}/my own"}, "my own", id="own"),
        pytest.param({"ML_INTERN_CACHE": "relative"}, "home/relative", id="relative-to-the-working-folder"),
        pytest.param({"XDG_CACHE_HOME": "", "ML_INTERN_CACHE": ""}, "home/.cache/ml-intern", id="empty-is-unset"),
    ],
)
def test_cache_is_where_the_helpers_keep_theirs(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], where: str
) -> None:
    variables = {name: value.format(tmp_path) for name, value in variables.items()}
    machine.run(machine.launch, "mcp_headers", **variables)
    assert {path.name for path in (tmp_path / where).iterdir()} == {"environments"}
    for name in ("XDG_CACHE_HOME", "ML_INTERN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(machine.home), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(machine.home)
    assert cache_dir().absolute() == tmp_path / where


class TestFindingPython:
    def test_a_shim_that_fails_is_passed_over_and_not_asked_again(self, machine: Machine) -> None:
        """pyenv puts a `python3.13` on PATH that fails unless that version was chosen."""
        (machine.bin / "python3").unlink()
        machine.tool("python3", 'echo shim >>"$LOG"; echo "pyenv: python3: command not found" >&2; exit 127')
        python_at(machine.bin / "python3.12")
        for _ in range(2):
            done = machine.run(machine.launch, "mcp_headers")
            assert (done.code, done.stdout, done.stderr) == (0, "{}", "")
        assert machine.log() == ["shim"]

    def test_remembered_python_that_is_gone_is_found_anew(self, machine: Machine) -> None:
        machine.run(machine.launch, "mcp_headers")
        memory = machine.store / "python"
        found = memory.read_text()
        assert found == f"{machine.bin}/python3\n"
        memory.write_text("/nowhere/python3\n")
        assert machine.run(machine.launch, "mcp_headers").code == 0
        assert memory.read_text() == found

    def test_uv_supplies_one_when_there_is_none(self, machine: Machine) -> None:
        (machine.bin / "python3").unlink()
        machine.tool("python3", "echo Python 3.9.6")  # what the probe prints on an old one
        machine.tool(
            "uv",
            f"""case "$1 $2" in
"python install") : >"$HOME/got" ;;
"python find") [ -f "$HOME/got" ] && echo "{PYTHON}" ;;
esac""",
        )
        done = machine.run(machine.launch, "mcp_headers")
        assert (done.code, done.stdout) == (0, "{}")
        assert done.stderr == "ml-intern: fetching Python 3.12 with uv (about 35 MB, once)\n"
        assert machine.run(machine.launch, "mcp_headers").stderr == ""

    @pytest.mark.parametrize(
        ("tools", "variables", "what", "next_"),
        [
            pytest.param({}, {}, "no Python 3.11 or newer was found", "install Python 3.12 or uv", id="none"),
            pytest.param(
                {"python3": "echo Python 3.9.6"}, {}, r"\(only Python 3.9.6 at .*/bin/python3\)", "install Python 3.12", id="old"
            ),
            pytest.param(
                {"uv": "exit 2"}, {}, "no Python 3.11 or newer was found", "or set ML_INTERN_PYTHON", id="uv-cannot-get-one"
            ),
            pytest.param(
                {}, {"ML_INTERN_PYTHON": "/nowhere/py"}, "ML_INTERN_PYTHON=/nowhere/py is not a", "unset it", id="own-is-missing"
            ),
        ],
    )
    def test_none(self, machine: Machine, tools: dict[str, str], variables: dict[str, str], what: str, next_: str) -> None:
        (machine.bin / "python3").unlink()
        for name, script in tools.items():
            machine.tool(name, script)
        done = machine.run(machine.launch, "preflight_check", "train.py", **variables)
        lines = [line for line in done.stderr.splitlines() if "fetching" not in line]
        assert (done.code, done.stdout, len(lines)) == (3, "", 2)
        assert re.search(what, lines[0])
        assert lines[1].startswith("  next: ")
        assert next_ in lines[1]
        assert not (machine.home / ".cache").exists()

    def test_own_python_wins(self, machine: Machine) -> None:
        machine.tool("python3", "exit 1")
        assert machine.run(machine.launch, "mcp_headers", ML_INTERN_PYTHON=PYTHON).code == 0


class TestPlacesThatCannotBeWritten:
    def test_plugin_folder(self, machine: Machine) -> None:
        """Its bytecode goes to the cache, and only its own: not that of the standard library."""
        subprocess.run(["chmod", "-R", "a-w", str(machine.root)], check=True)
        done = machine.run(machine.launch, "mcp_headers", before=without_override)
        assert (done.code, done.stdout, done.stderr) == (0, "{}", "")
        assert not list(machine.root.rglob("*.pyc"))
        kept = {path.name.partition(".")[0] for path in (machine.home / ".cache/ml-intern/bytecode").rglob("*.pyc")}
        assert "mcp_headers" in kept
        assert kept <= {path.stem for path in machine.root.rglob("*.py")}

    @pytest.mark.parametrize("home", ["UNSET", ""])
    def test_no_home(self, machine: Machine, home: str) -> None:
        """What needs nothing runs; what needs an environment says in one line why there is none."""
        assert machine.run(machine.launch, "preflight_check", "--version", HOME=home).code == 0
        done = machine.run(machine.launch, "detect_compute", HOME=home)
        assert (done.code, done.stdout) == (3, "")
        assert done.stderr.splitlines() == [
            "ml-intern: there is no folder to keep the helpers environment in: HOME is not set",
            "  next: set HOME, or ML_INTERN_CACHE to a folder that you can write to",
        ]

    def test_home(self, machine: Machine) -> None:
        machine.home.chmod(0o555)
        assert machine.run(machine.launch, "preflight_check", "--version", before=without_override).stderr == ""
        done = machine.run(machine.launch, "crawl_arxiv", "lora", before=without_override)
        assert (done.code, done.stdout) == (3, "")
        assert done.stderr.splitlines() == [
            f"crawl_arxiv: cannot build the helpers environment: {machine.home}/.cache: Permission denied",
            "  next: set ML_INTERN_CACHE to a folder that you can write to",
        ]


@pytest.mark.parametrize(
    "arguments", [[], ["--env"], ["--env", "nonsense"], ["--frobnicate"], ["-"], ["no_such_command"], ["environment"]]
)
def test_misuse(machine: Machine, arguments: list[str]) -> None:
    done = machine.run(machine.launch, *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr
    assert not any(path.is_dir() for path in machine.home.rglob("helpers*")), "nothing is built for a misspelt word"


def test_help(machine: Machine) -> None:
    done = machine.run(machine.launch, "--help")
    assert done.code == 0
    assert {"--env", "ML_INTERN_PYTHON", "ML_INTERN_TRAINING_PYTHON", "ML_INTERN_CACHE"} <= set(done.stdout.split())


def test_incomplete_copy(machine: Machine) -> None:
    (machine.root / "requirements.lock").unlink()
    done = machine.run(machine.launch, "detect_compute")
    assert done.code == 3
    assert "requirements.lock is missing: this copy of the plugin is incomplete" in done.stderr


def test_training_override_that_does_not_run(machine: Machine) -> None:
    done = machine.run(machine.launch, "--env", "training", "-V", ML_INTERN_TRAINING_PYTHON="/nowhere/python")
    assert (done.code, done.stderr.splitlines()[0]) == (3, "ml-intern: ML_INTERN_TRAINING_PYTHON=/nowhere/python cannot be run")


def test_foreign_system_is_told_so(machine: Machine) -> None:
    (machine.bin / "uname").unlink()
    machine.tool("uname", "echo MINGW64_NT-10.0 x86_64")
    done = machine.run(machine.launch, "mcp_headers")
    assert (done.code, "WSL" in done.stderr) == (3, True)
