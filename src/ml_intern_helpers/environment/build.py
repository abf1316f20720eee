"""Builds an environment once: aside, then moved into place, one builder at a time, nothing left of a failure."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ml_intern_helpers.cli.output import say
from ml_intern_helpers.environment import failures, installers
from ml_intern_helpers.environment.specs import Spec


def ensure(spec: Spec, place: Path) -> Path:
    """Return the Python of the environment at `place`, building it when it is missing, half-built or broken.

    Raises: Unavailable, with the reason and the way out.
    """
    if not is_ready(place):
        with failures.explained(spec, place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(spec, place) as alone:
                if not is_ready(place):
                    _build(spec, place, alone=alone)
    return place / "bin/python"


def is_ready(place: Path) -> bool:
    """As `is_ready` in scripts/launch: a Python that is not a dangling link, and the mark that is written last."""
    return os.access(place / "bin/python", os.X_OK) and (place / "complete").is_file()


@contextmanager
def _one_at_a_time(spec: Spec, place: Path) -> Iterator[bool]:
    """Hold the lock while building; yields False where the file system (some cluster homes) has no locks."""
    with place.with_name(f"{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"ml-intern: waiting for another call that is building the {spec.name} environment")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False  # two may build the same then: each builds aside, and the last one moved into place stays
            return
        yield True


def _build(spec: Spec, place: Path, *, alone: bool) -> None:
    """`place` becomes a link to a folder of its own. The folder never moves: scripts in its bin/ name their Python by path."""
    if alone:
        _remove_leftovers(place)
    failures.check_space(spec, place.parent)
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
    """uv when there is one. pip when there is none, or when uv does not get what pip may be set up to get."""
    uv = installers.find_uv()
    if uv:
        try:
            installers.make_with_uv(uv, folder, run)
            return installers.install_with_uv(uv, spec, folder, run)
        except installers.BuildFailed as err:
            failures.give_up_if_final(err)
    installers.make_with_venv(folder, run)
    if spec.torch_backend and not uv and _installed_with_fetched_uv(spec, folder, run):
        return None
    if spec.torch_backend:
        say(f"ml-intern: the '{spec.torch_backend}' builds of torch are out of reach; taking the one that pip finds (up to 7 GB)")
    return installers.install_with_pip(spec, folder, run)


def _installed_with_fetched_uv(spec: Spec, folder: Path, run: installers.Run) -> bool:
    """pip would bring 5 GB of CUDA to a machine without a GPU, so uv is fetched for the sake of torch alone."""
    with tempfile.TemporaryDirectory(prefix="uv-", dir=folder) as scratch:
        try:
            installers.install_with_uv(installers.fetch_uv(folder, Path(scratch), run), spec, folder, run)
        except installers.BuildFailed as err:
            failures.give_up_if_final(err)
            return False
    return True


def _move_into_place(folder: Path, place: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.symlink_to(folder.name)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    link.replace(place)


def _remove_leftovers(place: Path) -> None:
    """What a killed build left, and the folder of the environment that is about to be replaced."""
    for path in place.parent.glob(f"{place.name}.built-*"):
        with suppress(OSError):
            path.unlink() if path.is_symlink() else shutil.rmtree(path)
