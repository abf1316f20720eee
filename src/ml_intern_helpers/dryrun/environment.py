"""Chooses the Python of a dry run: the one that is named, the pinned training environment, or one made for the header by uv."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.analysis.requirements import Requirement, normal_name, parse_requirement
from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.core.paths import cache_dir
from ml_intern_helpers.core.text import clean

#: The plugin's folder; an installed package has none.
_ROOT = Path(__file__).resolve().parents[3]
_LOCK = _ROOT / "requirements/training.lock"
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
_UNRESOLVABLE = re.compile(
    r"no solution found|unsatisfiable|not found in the package registry|no version of|there are no versions", re.I
)
_BUILD_S = 900.0


class Environment(NamedTuple):
    """An interpreter and how it was chosen, as one phrase for the report."""

    python: str
    description: str


class Unresolvable(Exception):
    """The requirements exclude each other, or name what does not exist; the message is the resolver's."""


def choose(requirements: list[Requirement], python: str | None, limit_s: float = _BUILD_S) -> Environment:
    """The environment for a script with these requirements.

    Args:
        requirements: those of the script's header and of `--with`; empty for a script without either.
        python: `--python`, used as it is.

    Raises:
        UsageError: `python` cannot be run.
        Unresolvable: no environment can satisfy the requirements; the job would fail in the same way.
        Unavailable: no environment could be built here: no uv, no network, no disk.
    """
    if python is not None:
        if shutil.which(python) is None:
            raise UsageError(f"--python {clean(python, limit=120)} cannot be run", hint="give the path of the run's interpreter")
        return Environment(python, f"{python}, as given")
    own = os.environ.get("ML_INTERN_TRAINING_PYTHON")
    unmet = _unmet(requirements)
    if own and not unmet:
        return Environment(own, "ML_INTERN_TRAINING_PYTHON")
    if not unmet and _LOCK.is_file():
        why = "it satisfies the header" if requirements else "the script has no header"
        return Environment(_training_python(), f"the pinned training environment ({why})")
    return _made_by_uv(requirements, limit_s)


def _unmet(requirements: list[Requirement]) -> list[str]:
    """The requirements that the pinned training environment does not satisfy."""
    if not _LOCK.is_file():
        return [requirement.text for requirement in requirements]
    pinned = {normal_name(name): version for name, version in _PINNED.findall(_LOCK.read_text(encoding="utf-8"))}
    pinned["torch"] = pinned.get("torch", "") or _torch_release()
    wanted = (requirement for requirement in requirements if not requirement.url)
    unmet = [each.text for each in wanted if each.name not in pinned or not each.admits(pinned[each.name])]
    return unmet + [each.text for each in requirements if each.url]


def _torch_release() -> str:
    """The release of torch that training.in names; the lock leaves it to the kind of machine."""
    listed = (parse_requirement(line) for line in _LOCK.with_suffix(".in").read_text(encoding="utf-8").splitlines())
    return next((each.exact or "" for each in listed if each is not None and each.name == "torch"), "")


def _training_python() -> str:
    call = [str(_ROOT / "scripts/launch"), "--env", "training", "-c", "import sys; print(sys.executable)"]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["scripts/launch failed"]
        raise Unavailable(
            f"the training environment could not be built: {lines[-1]}", hint="--python PATH names one that is there"
        )
    return done.stdout.strip()


def _made_by_uv(requirements: list[Requirement], limit_s: float) -> Environment:
    """An environment of its own for these requirements, with the CPU build of torch; it is kept for the next dry run."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path("~/.local/bin").expanduser()))
    texts = sorted(requirement.text for requirement in requirements)
    listed = ", ".join(texts)
    if uv is None:
        hint = "install uv, or give --python PATH"
        raise Unavailable(f"no environment has {clean(listed, limit=200)}, and there is no uv to make one", hint=hint)
    key = hashlib.sha256("\n".join([sys.version, *texts]).encode()).hexdigest()[:16]
    folder = cache_dir() / "environments" / f"{platform.system()}-{platform.machine()}" / f"dry-run-{key}"
    python = folder / "bin/python"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _uv([uv, "venv", "--quiet", "--no-project", str(folder)], limit_s)
            backend = [] if platform.system() == "Darwin" else ["--torch-backend", "cpu"]
            _uv([uv, "pip", "install", "--quiet", "--python", str(python), *backend, *texts], limit_s)
            (folder / "complete").touch()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return Environment(str(python), f"made by uv for {clean(listed, limit=120)}")


def _uv(call: list[str], limit_s: float) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            call, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=limit_s
        )  # fmt: skip
    except subprocess.TimeoutExpired as err:
        raise Unavailable(f"building the environment took longer than {limit_s:g} s", hint="give --python PATH") from err
    if done.returncode == 0:
        return
    output = " ".join(done.stderr.replace("╰─▶", "").replace("×", "").replace("│", "").split())
    if _UNRESOLVABLE.search(output):
        raise Unresolvable(output)
    raise Unavailable(
        f"uv could not build the environment: {clean(output, limit=300)}", hint="give --python PATH, or mend the network"
    )
