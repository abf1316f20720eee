"""Sends what the script writes outside the scratch folder to a stand-in inside it, and reads it back from there."""

from __future__ import annotations

import builtins
import io
import os
from typing import Any

from ml_intern_helpers.dryrun.inside.events import Run, called_by_script, substitute

#: Files that are no files: terminals, random numbers, process information.
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_WRITING = frozenset("wax+")


def inside_scratch(path: Any) -> Any:
    """`path`, or its stand-in in the scratch folder where it lies outside."""
    if path is None or isinstance(path, int):
        return path
    text = os.fspath(path)
    if isinstance(text, bytes):
        return path
    full = os.path.abspath(os.path.expanduser(text))
    if full.startswith((Run.scratch + os.sep, *_SYSTEM)) or full == Run.scratch:
        return path
    return os.path.join(Run.scratch, "outside", full.lstrip(os.sep))


def written(path: Any) -> Any:
    """`path`, or its stand-in where the script has written there."""
    stand_in = inside_scratch(path)
    return stand_in if stand_in is not path and os.path.exists(stand_in) else path


def patch_files() -> None:
    """Redirect `open` and the functions that make folders; native code that opens files by itself is not reached."""
    original = builtins.open

    def redirected(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if not _WRITING & set(str(mode)):
            return original(written(file), mode, *args, **kwargs)
        target = inside_scratch(file)
        if target is not file:
            substitute("world", f"written to a copy: {file}")
            _parents(target, file)
        return original(target, mode, *args, **kwargs)

    builtins.open = io.open = redirected  # pathlib looks it up in io
    for name in ("mkdir", "makedirs"):
        setattr(os, name, _in_scratch(getattr(os, name)))


def _parents(target: str, file: Any) -> None:
    """Make the stand-in's folder where the real one exists or was made here: a missing folder stays an error."""
    folder = os.path.dirname(target)
    if not os.path.isdir(folder) and os.path.isdir(os.path.dirname(os.path.abspath(os.fspath(file)))):
        os.makedirs(folder)


def _in_scratch(make: Any) -> Any:
    def made(path: Any, *args: Any, **kwargs: Any) -> Any:
        target = inside_scratch(path)
        if target is not path and os.path.isdir(path) and not os.path.isdir(target):
            _MAKEDIRS(target)  # the real folder exists: the stand-in does too, and `exist_ok` decides as it would
        elif target is not path and make is not _MAKEDIRS:
            _parents(target, path)
        return make(target, *args, **kwargs)

    return made


_MAKEDIRS = os.makedirs


def patch_loading(module: Any) -> None:
    """Let `transformers.utils.hub` find what was saved in a stand-in."""
    find = module.cached_files

    def cached_files(path_or_repo_id: Any, *args: Any, **kwargs: Any) -> Any:
        return find(written(path_or_repo_id), *args, **kwargs)

    module.cached_files = cached_files


def patch_saving(owner: Any) -> None:
    """Redirect a class's `save_pretrained`, whose weights are written by native code."""
    original = owner.save_pretrained

    def save_pretrained(self: Any, save_directory: Any, *args: Any, **kwargs: Any) -> Any:
        target = inside_scratch(save_directory)
        if called_by_script():
            Run.saved[os.path.abspath(os.fspath(target))] = type(self).__name__
        return original(self, target, *args, **kwargs)

    owner.save_pretrained = save_pretrained
