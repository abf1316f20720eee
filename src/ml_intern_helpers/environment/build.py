"""Builds an environment once: aside, then moved into place, one builder at a time, nothing left of a failure."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern_helpers.environment import failures, installers
from ml_intern_helpers.environment.specs import Spec


def ensure(spec: Spec, place: Path) -> Path:
    """Return the Python of the environment at `place`, building it when it is missing, half-built or broken.

    Raises: Unavailable, with the reason and the way out.
    """
    if not is_ready(place):
        with failures.explained(spec, place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(spec, place):
                if not is_ready(place):
                    _build(spec, place)
    return place / "bin/python"


def is_ready(place: Path) -> bool:
    """As `is_ready` in scripts/launch: a Python that is not a dangling link, and the mark that is written last."""
    return os.access(place / "bin/python", os.X_OK) and (place / "complete").is_file()


@contextmanager
def _one_at_a_time(spec: Spec, place: Path) -> Iterator[None]:
    with place.with_name(f"{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another call that is building the {spec.name} environment")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(spec: Spec, place: Path) -> None:
    """`place` becomes a link to a folder of its own. The folder never moves: scripts in its bin/ name their Python by path."""
    _remove_leftovers(place)
    failures.check_space(spec, place.parent)
    say(f"building the {spec.name} environment in {place.parent} (about {spec.size_gb:g} GB, once)")
    folder = Path(tempfile.mkdtemp(prefix=f"{place.name}.built-", dir=place.parent))
    try:
        log = place.with_name(f"{place.name}.log")
        log.unlink(missing_ok=True)
        install(spec, folder, installers.runner(log, place.parent))
        (folder / "complete").write_text(json.dumps({"python": installers.base_python(), "lock": spec.lock}) + "\n")
        _move_into_place(folder, place)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def install(spec: Spec, folder: Path, run: installers.Run) -> None:
    """With uv when there is one; with pip when there is none, or when uv cannot reach what pip is set up to reach."""
    uv = installers.find_uv()
    if uv:
        try:
            return installers.with_uv(uv, spec, folder, run)
        except installers.BuildFailed as err:
            if failures.is_final(err):
                raise
            shutil.rmtree(folder)
    return installers.with_pip(spec, folder, run)


def _move_into_place(folder: Path, place: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.symlink_to(folder.name)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    link.replace(place)


def _remove_leftovers(place: Path) -> None:
    """What a killed build left, and the folder of an environment that is about to be replaced."""
    for path in place.parent.glob(f"{place.name}.built-*"):
        path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)


def say(message: str) -> None:
    """One line of progress on stderr."""
    sys.stderr.write(f"ml-intern: {message}\n")
    sys.stderr.flush()
