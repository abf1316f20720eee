"""A copy of the plugin to break, and a machine made of nothing but the tools a test gives it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.helpers import ROOT, Outcome

#: All that scripts/launch and the wrappers may need besides the shell: POSIX, hence on BSD and BusyBox, too.
TOOLS = ("sh", "cat", "cksum", "dirname", "mkdir", "mv", "readlink", "sed", "uname")
PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
#: The folders scripts/launch tries besides PATH; a machine of a test must not find this machine's Python there.
FIXED_FOLDERS = "/opt/homebrew/bin /usr/local/bin /usr/bin"


@dataclass
class Machine:
    """A plugin folder, a home and a PATH.

    `root` is a copy without the fixed folders; its locks are empty unless a test writes them.
    """

    root: Path
    home: Path
    bin: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def launch(self) -> Path:
        return self.root / "scripts/launch"

    @property
    def store(self) -> Path:
        """The one folder environments were built in."""
        (found,) = (self.home / ".cache/ml-intern/environments").iterdir()
        return found

    def tool(self, name: str, script: str) -> Path:
        """Put a shell script on PATH; `$LOG` names a file it may write to."""
        path = self.bin / name
        path.unlink(missing_ok=True)  # it may be a link to a real tool: never write through it
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def log(self) -> list[str]:
        """What the tools wrote to $LOG."""
        path = self.home / "log"
        return path.read_text().splitlines() if path.exists() else []

    def environment(self, **extra: str) -> dict[str, str]:
        base = {"HOME": str(self.home), "PATH": str(self.bin), "LANG": "C.UTF-8", "LOG": str(self.home / "log")}
        return {name: value for name, value in {**base, **self.variables, **extra}.items() if value != "UNSET"}

    def start(
        self, *call: str | Path, cwd: Path | None = None, before: Callable[[], None] | None = None, **extra: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(part) for part in call],
            env=self.environment(**extra),
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=before,
        )

    def run(self, *call: str | Path, cwd: Path | None = None, before: Callable[[], None] | None = None, **extra: str) -> Outcome:
        """Run a command line on this machine; a variable given as "UNSET" is absent."""
        process = self.start(*call, cwd=cwd, before=before, **extra)
        stdout, stderr = process.communicate(timeout=120)
        return Outcome(process.returncode, stdout, stderr)


def make_machine(folder: Path) -> Machine:
    """A machine with the TOOLS and no Python at all, its plugin under a path with a space and a quote."""
    machine = Machine(folder / "the plugin's folder", folder / "home", folder / "bin")
    machine.home.mkdir()
    machine.bin.mkdir()
    for name in TOOLS:
        (machine.bin / name).symlink_to(str(shutil.which(name)))
    _copy_plugin(machine.root)
    return machine


def _copy_plugin(root: Path) -> None:
    for part in ("scripts", "src", "skills/ml-intern/scripts", "requirements"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
    for lock in ("requirements.lock", "requirements/test.lock", "requirements/training.lock"):
        (root / lock).write_text("")
    launch = root / "scripts/launch"
    text = launch.read_text()
    assert text.count(FIXED_FOLDERS) == 1
    launch.write_text(text.replace(FIXED_FOLDERS, str(root.parent / "nothing")))


def python_at(path: Path) -> None:
    """Make `path` a Python: the one that runs the tests, without its packages."""
    path.symlink_to(PYTHON)


def without_override() -> None:
    """In a child before exec: root loses the right to write what is read-only, so that it is read-only for root, too."""
    if os.geteuid() == 0:
        cap_dac_override, pr_capbset_drop = 1, 24
        assert ctypes.CDLL(None, use_errno=True).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0) == 0


def fake_uv(machine: Machine, install: str = "exit 0", find: str = "exit 1") -> None:
    """A uv on PATH that logs its calls; `install` and `find` are shell code for `pip install` and `python find`."""
    machine.tool(
        "uv",
        f"""echo "uv $*" >>"$LOG"
last= && for word in "$@"; do last=$word; done
case "$1 $2" in
"venv "*) mkdir -p "$last/bin" && printf '#!/bin/sh\\nexec "{PYTHON}" "$@"\\n' >"$last/bin/python" && {shutil.which("chmod")} +x "$last/bin/python" ;;
"pip install") {install} ;;
"python find") {find} ;;
"python install") echo got >"$HOME/python-installed" ;;
esac""",
    )
