"""What gets installed: locks that serve every machine we name, and the commands that `pip install .` puts on PATH."""

from __future__ import annotations

import re
import shutil
import site
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from ml_intern_helpers.cli import commands
from support.helpers import ROOT

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HASHED = ("requirements.lock", "requirements/test.lock", "requirements/uv.lock")
MACHINES = [
    pytest.param({"sys_platform": platform, "platform_system": system, "platform_machine": machine, **version}, id=name)
    for name, platform, system, machine in (
        ("linux-x86_64", "linux", "Linux", "x86_64"),
        ("linux-aarch64", "linux", "Linux", "aarch64"),
        ("macos-arm64", "darwin", "Darwin", "arm64"),
    )
    for version in ({"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.2"} for minor in (11, 12, 13, 14))
]


def pins(lock: str) -> list[Requirement]:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [Requirement(line.partition(" --hash=")[0]) for line in text.splitlines() if line and not line.startswith("#")]


def wanted(path: str) -> list[Requirement]:
    lines = (ROOT / path).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


#: Lock -> what it must satisfy.
DEMANDS = {
    "requirements.lock": [Requirement(text) for text in PROJECT["dependencies"]],
    "requirements/test.lock": [
        Requirement(text) for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    ],
    "requirements/training.lock": wanted("requirements/training.in"),
    "requirements/uv.lock": wanted("requirements/uv.in"),
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("lock", DEMANDS)
def test_lock_answers_every_demand_once_on_every_machine(lock: str, machine: dict[str, str]) -> None:
    """A demand changed in pyproject.toml without `scripts/lock` would build environments that lack it."""
    environment = {**default_environment(), **machine}
    here = [pin for pin in pins(lock) if pin.marker is None or pin.marker.evaluate(environment)]
    versions = {normal(pin.name): next(iter(pin.specifier)).version for pin in here}
    assert len(versions) == len(here), "one release of each"
    for demand in DEMANDS[lock]:
        assert demand.specifier.contains(versions[normal(demand.name)]), demand


@pytest.mark.parametrize("lock", DEMANDS)
def test_lock_names_no_place(lock: str) -> None:
    """No index address and no path: where packages come from is the user's own setting."""
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--index|--find-links|@ |(^|\s)/|file:", text)
    assert all(re.fullmatch(r"==[0-9][^ ;]*", str(pin.specifier)) for pin in pins(lock)), "exact releases"


@pytest.mark.parametrize("lock", HASHED)
def test_lock_is_hashed_throughout(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert entries
    assert not [line for line in entries if "--hash=sha256:" not in line]


def test_environments_agree_where_they_share_a_package() -> None:
    """Tests must run on what users run on; the training releases are those the recipes were tested with."""
    tested, used = (
        {(p.name, str(p.marker)): p.specifier for p in pins(lock)} for lock in ("requirements/test.lock", "requirements.lock")
    )
    assert used.items() <= tested.items()


def test_pip_install_gives_the_commands(tmp_path: Path) -> None:
    """A wheel holds all the package needs at run time, and each command answers from it, in an environment of its own."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=source, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("ml_intern_helpers/")}
    assert shipped == {str(path.relative_to(source / "src")) for path in (source / "src").rglob("*") if path.is_file()}

    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [
        folder / "bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
        wheel,
    ]
    subprocess.run(pip, check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))  # what pip would have brought
    shutil.rmtree(source)
    for command in commands.COMMANDS:
        done = subprocess.run([folder / "bin" / command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, f"usage: {command}" in done.stdout, done.stderr) == (0, True, "")


def test_the_commands_are_those_of_the_package() -> None:
    assert PROJECT["scripts"] == {name: f"ml_intern_helpers.entry_points:{name}" for name in commands.COMMANDS}
