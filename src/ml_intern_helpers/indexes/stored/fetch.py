"""Fetches the files of a release through uv or pip, so that the user's own index, proxy and certificates hold.

They are read, never installed or imported.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from ml_intern_helpers.core.errors import NotFound, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree, from_site_packages, from_wheel

_TIMEOUT_S = 180
_NO_SUCH = re.compile(
    r"no matching distribution|no version of|not found in the package registry|no solution found", re.IGNORECASE
)


def fetched(package: str, version: str, folder: Path, *, timeout_s: float = _TIMEOUT_S) -> SourceTree:
    """The tree of a release, its files put into `folder` (empty, to be thrown away by the caller).

    Raises:
        NotFound: there is no such release.
        Unavailable: neither uv nor pip is there, or neither could fetch it.
    """
    requirement = f"{package.replace('_', '-')}=={version}"
    told = []
    for number, command in enumerate(_fetchers(requirement)):
        aside = folder / str(number)
        aside.mkdir()
        done = run([*command[:-1], str(aside), command[-1]], timeout_s)
        if done.returncode == 0:
            wheels = list(aside.glob("*.whl"))
            return from_wheel(wheels[0], package) if wheels else from_site_packages(aside, package)
        told.append(done.stderr)
    raise _refusal(requirement, told)


def _refusal(requirement: str, told: list[str]) -> Unavailable:
    if not told:
        return Unavailable(f"neither uv nor pip is there to fetch {requirement}", hint="install uv, or python3-pip")
    if any(_NO_SUCH.search(text) and not _UNREACHABLE.search(text) for text in told):
        return NotFound(f"there is no release {requirement} with a wheel", hint="check the number on the package's page")
    lines = [line for text in told for line in text.strip().splitlines() if line.strip()]
    last = clean(lines[-1], limit=200) if lines else "no reason given"
    return Unavailable(f"could not fetch {requirement}: {last}", hint="check the network and your index settings")


#: pip says "no matching distribution" also when it reached no index at all.
_UNREACHABLE = re.compile(r"connection|timed out|timeout|resolve|unreachable|certificate|\b(401|403|407|5\d\d)\b", re.IGNORECASE)


def _fetchers(requirement: str) -> Iterator[list[str]]:
    """Commands less the folder, which goes before the requirement. uv cannot download a wheel, but it can unpack one."""
    wheels = ["--quiet", "--no-deps", "--only-binary", ":all:"]
    uv = which("uv")
    if uv:
        yield [uv, "pip", "install", *wheels, "--python-version", "3.12", "--target", requirement]
    for python in dict.fromkeys([sys.executable, which("python3") or sys.executable]):
        if run([python, "-c", "import pip"], 30).returncode == 0:
            yield [python, "-m", "pip", "download", "--disable-pip-version-check", *wheels, "-d", requirement]


def run(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """A finished process, also when it could not start or did not end in time."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {timeout_s:g} s (timed out)")
    except OSError as err:
        return subprocess.CompletedProcess(command, 1, "", str(err))
