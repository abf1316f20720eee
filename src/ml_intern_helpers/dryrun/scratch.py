"""Copies what a script needs into a folder that is thrown away, so that the user's folder is never written to."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

#: Folders that no script reads its inputs from.
_SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".venv",
        "venv",
        "env",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".tox",
        "wandb",
        "mlruns",
        ".ml-intern",
        ".cache",
    }
)
#: A larger file is linked, not copied; the script may read it.
_COPIED = 20_000_000
_MOST_FILES, _MOST_BYTES = 4_000, 500_000_000


class Scratch(NamedTuple):
    """A folder for one dry run.

    Attributes:
        folder: everything that the run may write; it is removed afterwards.
        work: the copy of the working folder.
        script: the copy of the script.
        left_out: how many files were not copied because there are too many.
    """

    folder: Path
    work: Path
    script: Path
    left_out: int


@contextmanager
def scratch_copy(script: Path, source: str | None, cwd: Path, mentioned: str) -> Iterator[Scratch]:
    """Copy the working folder for the body's time.

    Args:
        script: the script; its own folder is copied too where it lies elsewhere.
        source: text to write in place of the script (the code of a notebook), or None.
        cwd: the working folder.
        mentioned: text in which names of Hub repositories are searched; what the user's Hub cache has of those is made visible.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="ml-intern-dry-run-")))
    try:
        work = folder / "work"
        left_out = _copy(cwd, work)
        script, cwd = Path(os.path.realpath(script)), Path(os.path.realpath(cwd))
        if script.is_relative_to(cwd):
            copy = work / script.relative_to(cwd)
        else:
            left_out += _copy(script.parent, work / "_script")
            copy = work / "_script" / script.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source is not None:
            copy = copy.with_suffix(".py")
            copy.write_text(source, encoding="utf-8")
        elif not copy.is_file() or copy.is_symlink():
            copy.unlink(missing_ok=True)
            shutil.copyfile(script, copy)
        _mirror_hub_cache(folder / "hf/hub", mentioned)
        yield Scratch(folder, work, copy, left_out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> int:
    """Copy small files and link large ones; returns how many files were left out."""
    files, size, left_out = 0, 0, 0
    target.mkdir(parents=True, exist_ok=True)
    for where, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith("checkpoint-")]
        there = target / Path(where).relative_to(source)
        there.mkdir(exist_ok=True)
        for name in names:
            path = Path(where, name)
            try:
                length = path.stat().st_size if path.is_file() else -1
            except OSError:
                continue
            if length < 0:
                continue
            files += 1
            size += length if length <= _COPIED else 0
            if files > _MOST_FILES or size > _MOST_BYTES:
                left_out += 1
            elif length > _COPIED:
                (there / name).symlink_to(path.resolve())
            else:
                _copy_file(path, there / name)
    return left_out


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError:
        return


def _mirror_hub_cache(target: Path, mentioned: str) -> None:
    """Link the files of mentioned repositories from the user's Hub cache: new downloads then stay in the scratch folder."""
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser() / "hub")
    target.mkdir(parents=True, exist_ok=True)
    try:
        repositories = [entry for entry in cache.iterdir() if entry.name.startswith(("models--", "datasets--"))]
    except OSError:
        return
    for entry in repositories:
        if entry.name.partition("--")[2].replace("--", "/") in mentioned:
            _mirror(entry, target / entry.name)


def _mirror(repository: Path, target: Path) -> None:
    for where, _, names in os.walk(repository):
        there = target / Path(where).relative_to(repository)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            source = Path(where, name)
            if "blobs" in there.parts[-1:]:
                continue
            if "refs" in there.parts:
                _copy_file(source, there / name)
            else:
                (there / name).symlink_to(source.resolve())
