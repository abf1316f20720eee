"""Builds an environment on first use: in a new folder that is linked into place when it is complete.

Only one process builds at a time. A failed build leaves nothing behind and is reported with its reason and the next step.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ml_intern_helpers.cli.output import say
from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.environment import installers
from ml_intern_helpers.environment.installers import BuildFailed, Spec, base_python

_FREE_SPACE = "free some disk, or set ML_INTERN_CACHE to a folder with more room, and run it again"
_USE_WRITABLE_FOLDER = "set ML_INTERN_CACHE to a folder that you can write to"


@dataclass(frozen=True)
class _Meaning:
    """What an error means: `pattern` in an installer's output, `what` it means; `final` if another installer would fail too."""

    pattern: str
    what: str
    hint: str
    final: bool = False


_MEANINGS = (
    _Meaning(
        "hash mismatch|do not match the hashes",
        "a downloaded package does not have the hash that {lock} names",
        "try another network or package index; if it persists, report it and do not install that package",
        final=True,
    ),
    _Meaning("no space left|quota exceeded|os error 28|errno 28", "the disk is full", _FREE_SPACE, final=True),
    _Meaning("read-only file system|permission denied|os error 13", "no permission to write", _USE_WRITABLE_FOLDER, final=True),
    _Meaning(
        r"ensurepip|no module named '?(venv|pip)\b",
        "{python} cannot make environments: its venv or ensurepip module is missing",
        "install uv, or that module (Debian and Ubuntu: apt install python3-venv), and run it again",
    ),
    _Meaning(
        r"no wheels? with a matching|no usable wheels|\(from versions: \d|requires a different python",
        "a package has no build for this machine ({machine}, Python {version})",
        "build with another Python (ML_INTERN_PYTHON=path), or train where there is one (ML_INTERN_TRAINING_PYTHON, HF Jobs)",
    ),
    _Meaning(
        r"dns error|name resolution|failed to fetch|connect|timed? ?out|unreachable|max retries|no matching distribution|"
        r"could not find a version|not found in the package registry|network|proxy|certificate|http (status|error)|offline",
        "the packages could not be downloaded",
        "connect to the network (behind a proxy or with a package index of your own: set up pip or uv for it) and run it again",
    ),
)


_OTHER = _Meaning("", "an installer failed", "run it again; if it persists, report it with the log")


def ensure(spec: Spec, place: Path) -> Path:
    """Return the Python of the environment at `place`, building it when it is missing, half-built or broken.

    Raises: Unavailable, with the reason and the next step.
    """
    if not is_ready(place):
        with explained(spec, place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(spec, place) as alone:
                if not is_ready(place):
                    _build(spec, place, alone=alone)
    return place / "bin/python"


def is_ready(place: Path) -> bool:
    """Whether the environment has a Python and the file `complete`, which is written last (as scripts/launch checks)."""
    return os.access(place / "bin/python", os.X_OK) and (place / "complete").is_file()


@contextmanager
def _one_at_a_time(spec: Spec, place: Path) -> Iterator[bool]:
    """Hold the lock during the body; yields False if the file system (some cluster homes) does not support locks."""
    with place.with_name(f"{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"ml-intern: waiting for another call that is building the {spec.name} environment")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False  # two processes may build at once, each in its own folder; the last one to finish stays
            return
        yield True


def _build(spec: Spec, place: Path, *, alone: bool) -> None:
    """Build in a new folder and make `place` a link to it. The folder never moves, as scripts in its bin/ contain its path."""
    if alone:
        _remove_leftovers(place)
    check_space(spec, place.parent)
    say(f"ml-intern: building the {spec.name} environment in {place.parent} (about {spec.size_gb:g} GB, once)")
    folder = Path(tempfile.mkdtemp(prefix=f"{place.name}.built-", dir=place.parent))
    try:
        log = place.with_name(f"{place.name}.log")
        log.unlink(missing_ok=True)
        _install(spec, folder, installers.runner(log, place.parent))
        (folder / "complete").touch()
        _move_into_place(folder, place)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _install(spec: Spec, folder: Path, run: installers.Run) -> None:
    """Install with uv; with pip if there is no uv, or if uv fails where pip may be configured to succeed."""
    uv = installers.find_uv()
    if uv:
        try:
            installers.make_with_uv(uv, folder, run)
            return installers.install_with_uv(uv, spec, folder, run)
        except BuildFailed as err:
            give_up_if_final(err)
    installers.make_with_venv(folder, run)
    if spec.torch_backend and not uv and _installed_with_fetched_uv(spec, folder, run):
        return None
    if spec.torch_backend:
        say(f"ml-intern: the '{spec.torch_backend}' builds of torch fail to install; using the one that pip finds (up to 7 GB)")
    return installers.install_with_pip(spec, folder, run)


def _installed_with_fetched_uv(spec: Spec, folder: Path, run: installers.Run) -> bool:
    """Fetch uv and install with it, because without a GPU pip would install 5 GB of CUDA; returns whether that worked."""
    with tempfile.TemporaryDirectory(prefix="uv-", dir=folder) as scratch:
        try:
            installers.install_with_uv(installers.fetch_uv(folder, Path(scratch), run), spec, folder, run)
        except BuildFailed as err:
            give_up_if_final(err)
            return False
    return True


def _move_into_place(folder: Path, place: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.symlink_to(folder.name)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    link.replace(place)


def _remove_leftovers(place: Path) -> None:
    """Remove the leftovers of killed builds, and the folder of the environment that will be replaced."""
    for path in place.parent.glob(f"{place.name}.built-*"):
        with suppress(OSError):
            path.unlink() if path.is_symlink() else shutil.rmtree(path)


def give_up_if_final(failure: BuildFailed) -> None:
    """Raise `failure` if another installer would fail the same way; a wrong hash is never bypassed."""
    if _meaning(failure.output).final:
        raise failure


@contextmanager
def explained(spec: Spec, place: Path) -> Iterator[None]:
    """Turn errors of the body into `Unavailable`."""
    cannot = f"cannot build the {spec.name} environment"
    try:
        yield
    except BuildFailed as err:
        meaning = _meaning(err.output)
        machine, version = f"{platform.system()} {platform.machine()}", platform.python_version()
        reason = meaning.what.format(lock=spec.lock, python=base_python(), machine=machine, version=version)
        log = place.with_name(f"{place.name}.log")
        raise Unavailable(f"{cannot}: {reason} ({_main_line(err.output)})", hint=f"{meaning.hint}; log: {log}") from err
    except OSError as err:
        hint = _FREE_SPACE if err.errno in (errno.ENOSPC, errno.EDQUOT) else _USE_WRITABLE_FOLDER
        raise Unavailable(f"{cannot}: {err.filename or place.parent}: {os.strerror(err.errno or 0)}", hint=hint) from err


def check_space(spec: Spec, folder: Path) -> None:
    """Refuse, before the download, a build that would fill the disk. Raises: Unavailable."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < spec.size_gb:
        message = f"the {spec.name} environment takes about {spec.size_gb:g} GB and {folder} has {free_gb:.1f} GB free"
        raise Unavailable(message, hint=_FREE_SPACE)


def _meaning(output: str) -> _Meaning:
    return next((meaning for meaning in _MEANINGS if re.search(meaning.pattern, output, re.IGNORECASE)), _OTHER)


def _main_line(output: str) -> str:
    """The most informative line of an installer's output: its first error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it printed nothing"]
    errors = [line for line in lines if re.match("error|fatal", line, re.IGNORECASE)]
    return clean((errors or lines[-1:])[0], limit=200)
