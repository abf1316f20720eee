"""Environments built on first use: once, aside, whole or not at all, repaired, and with a way out when they cannot be built."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.environment import build, installers
from ml_intern_helpers.environment.installers import BuildFailed
from support.plugin_copy import PYTHON, Machine, fake_uv, make_machine, python_at

pytestmark = pytest.mark.slow

SHOW = ("--env", "helpers", "-c", "print('built')")
#: No index anywhere: the package client may only look into the folder a test names.
NO_INDEX = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with Python, without uv and without a package index."""
    made = make_machine(tmp_path)
    python_at(made.bin / "python3")
    made.variables |= NO_INDEX
    return made


def left_over(machine: Machine) -> list[str]:
    """What a build may not leave: anything but the lock file, the log, the environment, its folder and the Python's name."""
    names = sorted(path.name for path in machine.store.iterdir())
    built = [name for name in names if ".built-" in name]
    in_place = [str(path.readlink()) for path in machine.store.iterdir() if path.is_symlink()]
    return sorted(set(built) - set(in_place))


def environment_of(machine: Machine) -> Path:
    (found,) = (path for path in machine.store.iterdir() if path.is_symlink())
    return found


class TestBuilding:
    def test_first_and_second_call(self, machine: Machine) -> None:
        fake_uv(machine)
        first, second = machine.run(machine.launch, *SHOW), machine.run(machine.launch, *SHOW)
        assert (first.code, first.stdout, second.code, second.stdout) == (0, "built\n", 0, "built\n")
        assert re.fullmatch(r"ml-intern: building the helpers environment in .* \(about 0.5 GB, once\)\n", first.stderr)
        assert second.stderr == ""
        assert [line.split()[:3] for line in machine.log()] == [["uv", "venv", "--quiet"], ["uv", "pip", "install"]]
        assert "--require-hashes" in machine.log()[1]
        assert left_over(machine) == []

    def test_helper_runs_in_it_isolated(self, machine: Machine, tmp_path: Path) -> None:
        fake_uv(machine)
        (tmp_path / "json.py").write_text("raise SystemExit(99)")
        done = machine.run(machine.launch, "crawl_arxiv", "--version", cwd=tmp_path, PYTHONPATH=str(tmp_path))
        assert (done.code, done.stdout.split()[0]) == (0, "ml-intern")

    def test_four_first_calls_at_once(self, machine: Machine) -> None:
        fake_uv(machine, install=f"{shutil.which('sleep')} 1")
        calls = [machine.start(machine.launch, *SHOW) for _ in range(4)]
        ends = [call.communicate(timeout=60) for call in calls]
        assert [call.returncode for call in calls] == [0] * 4
        assert [stdout for stdout, _ in ends] == ["built\n"] * 4
        assert sum(stderr.startswith("ml-intern: building the helpers environment") for _, stderr in ends) == 1
        assert sum(line.startswith("uv venv") for line in machine.log()) == 1

    def test_another_lock_is_another_environment(self, machine: Machine) -> None:
        fake_uv(machine)
        machine.run(machine.launch, *SHOW)
        (machine.root / "requirements.lock").write_text("# changed\n")
        assert "building" in machine.run(machine.launch, *SHOW).stderr
        assert len([path for path in machine.store.iterdir() if path.is_symlink()]) == 2

    def test_own_python_is_another_environment(self, machine: Machine) -> None:
        fake_uv(machine)
        machine.run(machine.launch, *SHOW)
        assert "building" in machine.run(machine.launch, *SHOW, ML_INTERN_PYTHON=PYTHON).stderr
        assert machine.run(machine.launch, *SHOW, ML_INTERN_PYTHON=PYTHON).stderr == ""

    def test_the_project_one_stands_in_has_no_say(self, machine: Machine, tmp_path: Path) -> None:
        """uv reads settings from the working folder's pyproject.toml, pip and Python from the shell's variables."""
        fake_uv(machine, install='pwd >>"$LOG"; env >>"$LOG"')
        (machine.bin / "env").symlink_to(shutil.which("env"))
        foreign = dict.fromkeys(("VIRTUAL_ENV", "CONDA_PREFIX", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH"), "/foreign")
        machine.run(machine.launch, *SHOW, cwd=tmp_path, PIP_USER="1", **foreign)
        assert str(machine.store) in machine.log()
        assert "PIP_USER=0" in machine.log()
        assert not [line for line in machine.log() if line.endswith("=/foreign")]


class TestRepair:
    @pytest.mark.parametrize("damage", ["dangling-python", "no-mark", "no-python", "empty-folder", "real-folder"])
    def test_broken_environment_is_built_again(self, machine: Machine, damage: str) -> None:
        fake_uv(machine)
        machine.run(machine.launch, *SHOW)
        place = environment_of(machine)
        if damage == "dangling-python":  # what an upgrade of Python leaves
            (place / "bin/python").unlink()
            (place / "bin/python").symlink_to("/usr/bin/python3.0")
        elif damage == "no-mark":
            (place / "complete").unlink()
        elif damage == "no-python":
            (place / "bin/python").unlink()
        else:
            place.unlink()
            place.mkdir()
            if damage == "real-folder":
                (place / "bin").mkdir()
        again = machine.run(machine.launch, *SHOW)
        assert (again.code, again.stdout) == (0, "built\n")
        assert "building" in again.stderr
        assert left_over(machine) == []
        assert machine.run(machine.launch, *SHOW).stderr == ""

    def test_killed_build_is_swept_up_by_the_next(self, machine: Machine) -> None:
        self.stop_while_installing(machine, signal.SIGKILL)
        assert left_over(machine), "SIGKILL leaves no time to clean up"
        fake_uv(machine)
        assert machine.run(machine.launch, *SHOW).stdout == "built\n"
        assert left_over(machine) == []

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
    def test_stopped_build_leaves_nothing(self, machine: Machine, how: signal.Signals) -> None:
        """The client stops a command that takes too long; a user presses Ctrl-C."""
        process = self.stop_while_installing(machine, how)
        assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[how]
        assert left_over(machine) == []
        assert not [path for path in machine.store.iterdir() if path.is_symlink()]

    @staticmethod
    def stop_while_installing(machine: Machine, how: signal.Signals) -> subprocess.Popen[str]:
        fake_uv(machine, install=f"exec {shutil.which('sleep')} 20")
        process = machine.start(machine.launch, *SHOW)
        deadline = time.monotonic() + 20
        while not any(line.startswith("uv pip install") for line in machine.log()):
            assert time.monotonic() < deadline, "the build did not get to its second step"
            time.sleep(0.05)
        process.send_signal(how)
        process.wait(timeout=20)
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()  # type: ignore[union-attr]
        return process


#: What uv and pip really print -> what we make of it.
UV_HASH = """error: Failed to download `rich==15.0.0`
  cause: Hash mismatch for `rich==15.0.0`

Expected:
  sha256:0000

Computed:
  sha256:d6e3"""
UV_FULL = "error: Failed to install: pandas-3.1.1.whl\n  cause: failed to write to file: No space left on device (os error 28)"
UV_NO_WRITE = "error: failed to create file `/cache/.lock`: Permission denied (os error 13)"
UV_OFFLINE = "error: Request failed after 1 retry in 1.4s\n  cause: client error (Connect)\n  cause: dns error"
UV_NO_BUILD = """error: No solution found when resolving dependencies
  cause: Because torch==2.13.0 has no wheels with a matching platform tag (e.g., `macosx_14_0_x86_64`) and you require torch==2.13.0"""
PIP_NO_BUILD = "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: 2.0.0, 2.2.2)"
PIP_HASH = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions,
please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them."""
PIP_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
PIP_OFFLINE = """WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after connection broken
ERROR: Could not find a version that satisfies the requirement rich==15.0.0 (from versions: none)
ERROR: No matching distribution found for rich==15.0.0"""
VENV_DEBIAN = """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command."""
NO_VENV = "/usr/bin/python3: No module named venv"


class TestFailures:
    @pytest.mark.parametrize(
        ("output", "what", "next_"),
        [
            pytest.param(
                UV_HASH, "does not have the hash that requirements.lock names", "do not install that package", id="hash"
            ),
            pytest.param(UV_FULL, "the disk is full", "ML_INTERN_CACHE", id="disk-full"),
            pytest.param(UV_NO_WRITE, "no permission to write", "ML_INTERN_CACHE", id="no-permission"),
        ],
    )
    def test_told_in_two_lines_and_nothing_left(self, machine: Machine, output: str, what: str, next_: str) -> None:
        """pip is not tried after these: it would fail as well, and a wrong hash must not be worked around."""
        fake_uv(machine, install=f"cat <<'END'\n{output}\nEND\nexit 1")
        done = machine.run(machine.launch, "crawl_arxiv", "lora")
        _, error, hint = done.stderr.splitlines()
        assert (done.code, done.stdout) == (3, "")
        assert error.startswith("crawl_arxiv: cannot build the helpers environment: ")
        assert what in error
        assert hint.startswith("  next: ")
        assert next_ in hint
        assert output.splitlines()[-1] in Path(hint.rpartition("log: ")[2]).read_text(), "the log is where the hint says"
        assert left_over(machine) == []

    def test_json_callers_get_their_object(self, machine: Machine) -> None:
        fake_uv(machine, install=f"echo '{UV_FULL}'; exit 1")
        done = machine.run(machine.launch, "crawl_arxiv", "lora", "--json")
        assert done.code == 3
        assert (done.json["schema"], done.json["status"]) == ("ml-intern/crawl_arxiv/v1", "error")
        assert "the disk is full" in done.json["error"]["message"]

    def test_offline(self, machine: Machine) -> None:
        """The real venv and the real pip, with nothing to install from."""
        (machine.root / "requirements.lock").write_text(f"nowhere==1 --hash=sha256:{'0' * 64}\n")
        done = machine.run(machine.launch, "detect_compute", "--json")
        assert done.code == 3
        assert "the packages could not be downloaded (ERROR: Could not find a version" in done.json["error"]["message"]
        assert "connect to the network" in done.json["error"]["hint"]
        assert left_over(machine) == []

    @pytest.mark.parametrize(
        ("output", "what", "final"),
        [
            pytest.param(UV_OFFLINE, "could not be downloaded", False, id="uv-offline"),
            pytest.param(PIP_OFFLINE, "could not be downloaded", False, id="pip-offline"),
            pytest.param(UV_NO_BUILD, "no build for this machine", False, id="uv-intel-mac"),
            pytest.param(PIP_NO_BUILD, "no build for this machine", False, id="pip-intel-mac"),
            pytest.param(PIP_HASH, "does not have the hash", True, id="pip-hash"),
            pytest.param(PIP_FULL, "the disk is full", True, id="pip-disk-full"),
            pytest.param(VENV_DEBIAN, "its venv or ensurepip module is missing", False, id="debian-without-venv"),
            pytest.param(NO_VENV, "its venv or ensurepip module is missing", False, id="no-venv"),
            pytest.param("Segmentation fault", "an installer failed (Segmentation fault)", False, id="other"),
            pytest.param("", "an installer failed (it printed nothing)", False, id="silent"),
        ],
    )
    def test_what_installers_say(self, tmp_path: Path, output: str, what: str, final: bool) -> None:
        with pytest.raises(Unavailable) as told, build.explained(installers.spec_of("helpers"), tmp_path / "helpers"):
            raise BuildFailed(output)
        assert what in told.value.message
        assert "\n" not in told.value.message
        if final:
            with pytest.raises(BuildFailed):
                build.give_up_if_final(BuildFailed(output))
        else:
            build.give_up_if_final(BuildFailed(output))

    def test_disk_too_small_is_known_before_the_download(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match=r"takes about 1e\+09 GB and .* has [0-9.]+ GB free"):
            build.check_space(installers.Spec("training", "requirements/training.lock", size_gb=1e9), tmp_path)


class TestRealInstallers:
    """A package of our own, made here, with its real hash: uv and pip themselves, no index."""

    @pytest.fixture
    def wheels(self, machine: Machine, tmp_path: Path) -> str:
        """Puts the package into the lock; returns its hash."""
        folder = tmp_path / "wheels"
        folder.mkdir()
        wheel = folder / "tiny-1.0-py3-none-any.whl"
        files = {
            "tiny.py": "def main() -> None:\n    print('tiny')\n",
            "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
            "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "tiny-1.0.dist-info/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
        }
        record = "".join(f"{name},{digest(text)},{len(text)}\n" for name, text in files.items())
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in {**files, "tiny-1.0.dist-info/RECORD": f"{record}tiny-1.0.dist-info/RECORD,,\n"}.items():
                archive.writestr(name, text)
        machine.variables |= {"PIP_FIND_LINKS": str(folder), "UV_FIND_LINKS": str(folder)}
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (machine.root / "requirements.lock").write_text(f"tiny==1.0 --hash=sha256:{found}\n")
        return found

    def test_uv(self, machine: Machine, wheels: str) -> None:
        self.uses_uv(machine)
        self.check(machine)
        assert machine.run(machine.launch, "--env", "helpers", "-m", "pip").code == 1, "made by uv: there is no pip in it"

    def test_pip_helps_out_where_uv_is_not_set_up(self, machine: Machine, wheels: str) -> None:
        """Companies set up pip.conf and know nothing of uv."""
        self.uses_uv(machine)
        machine.variables["UV_FIND_LINKS"] = "UNSET"
        self.check(machine)

    @staticmethod
    def uses_uv(machine: Machine) -> None:
        (machine.bin / "uv").symlink_to(Path(sys.executable).with_name("uv"))

    @staticmethod
    def check(machine: Machine) -> None:
        """The package is there, and so are the scripts: they name their Python by a path that must not move."""
        done = machine.run(machine.launch, "--env", "helpers", "-m", "tiny")
        assert done.code == 0, done.stderr
        done = machine.run(environment_of(machine) / "bin/tiny")
        assert (done.code, done.stdout) == (0, "tiny\n"), done.stderr
        assert left_over(machine) == []

    @pytest.mark.parametrize("installer", ["uv", "pip"])
    def test_refuses_another_hash(self, machine: Machine, wheels: str, installer: str) -> None:
        if installer == "uv":
            self.uses_uv(machine)
        lock = machine.root / "requirements.lock"
        lock.write_text(lock.read_text().replace(wheels, "0" * 64))
        done = machine.run(machine.launch, "--env", "helpers", "-c", "import tiny")
        assert done.code == 3
        assert "does not have the hash that requirements.lock names" in done.stderr, done.stderr
        assert left_over(machine) == []


def digest(text: str) -> str:
    """A hash as wheels record it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class TestTorch:
    """Which build of torch: plain `torch` brings 5 GB of CUDA to a machine that has no use for it."""

    NVIDIA = Path("/proc/driver/nvidia/version").exists()

    def test_no_gpu(self, machine: Machine) -> None:
        fake_uv(machine)
        done = machine.run(machine.launch, "--env", "training", "-c", "print('built')")
        assert (done.code, done.stdout) == (0, "built\n")
        assert ("--torch-backend cpu" in machine.log()[-1]) == (not self.NVIDIA)
        assert re.search(r"-r \S.*/requirements/training.in -c \S.*/requirements/training.lock$", machine.log()[-1])

    def test_with_a_gpu(self, machine: Machine) -> None:
        fake_uv(machine)
        machine.tool("nvidia-smi", "exit 0")
        done = machine.run(machine.launch, "--env", "training", "-c", "print('built')")
        assert "(about 7 GB, once)" in done.stderr
        assert "--torch-backend" not in machine.log()[-1]
