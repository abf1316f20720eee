"""Looks for files under one folder: bounded in names and time, never through links to folders, never out of the folder.

A checked-out repository may hold `data/notes.txt -> ~/.ssh/id_rsa`: asked about `data`, we must not print that file.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.local.bounds import MOST_ENTRIES, WALK_SECONDS, Warn

#: Where the Hub's client keeps what its snapshot folders link to; a repository cannot make another file lie there.
_BLOB = re.compile(r"/(?:datasets|models)--[^/]+/blobs/[0-9a-f]{40,64}$")
_SIGNS = re.compile(r"[*?\[]")


class Walk:
    """One search below `root`; what it passes over is told by `tell`.

    Raises:
        OSError: by any method, when `root` itself cannot be listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._until = time.monotonic() + WALK_SECONDS
        self._seen = 0
        self._cut = False
        self._listed: dict[Path, list[os.DirEntry[str]]] = {}
        self._links: dict[str, None] = {}
        self._closed: list[str] = []

    def files(self) -> list[Path]:
        """All regular files below the root that are not hidden, sorted."""
        return self.matching(("**",))

    def matching(self, parts: tuple[str, ...]) -> list[Path]:
        """Regular files that match a pattern below the root, sorted; `parts` as `Path.parts` has them."""
        parts = (*parts, "*") if parts[-1] == "**" else parts
        found: dict[Path, None] = {}
        todo, done = [(self.root, parts)], set()
        while todo:
            step = todo.pop()
            if step not in done:
                done.add(step)
                for path, rest in self._step(*step):
                    if rest:
                        todo.append((path, rest))
                    elif self.keeps(path):
                        found[path] = None
        return sorted(found)

    def _step(self, folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """Where a search for `parts` in `folder` leads, each with the parts still to match."""
        first, rest = parts[0], parts[1:]
        if first == "**":
            yield folder, rest
            yield from ((Path(entry), parts) for entry in self.folders(folder) if not _hidden(entry.name))
        elif not _SIGNS.search(first):
            yield from [(folder / first, rest)] if self._may_enter(folder / first, rest) else []
        else:
            for entry in self.folders(folder) if rest else self._entries(folder):
                if fnmatch.fnmatchcase(entry.name, first) and (first.startswith((".", "_")) or not _hidden(entry.name)):
                    yield Path(entry), rest

    def _may_enter(self, path: Path, rest: tuple[str, ...]) -> bool:
        if rest and path.is_symlink():
            self._links[str(path)] = None
            return False
        return path.is_dir() if rest else os.path.lexists(path)

    def folders(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """The folders in `folder`, links to folders left out and told."""
        for entry in self._entries(folder):
            if entry.is_dir(follow_symlinks=False):
                yield entry
            elif entry.is_symlink() and entry.is_dir():
                self._links[entry.path] = None

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Sorted entries of `folder`, as far as names and time reach; a folder is listed once."""
        if folder not in self._listed:
            self._listed[folder] = self._scan(folder)
        return self._listed[folder]

    def _scan(self, folder: Path) -> list[os.DirEntry[str]]:
        listed: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._seen >= MOST_ENTRIES or time.monotonic() > self._until:
                        self._cut = True
                        break
                    self._seen += 1
                    listed.append(entry)
        except OSError:
            if folder == self.root:
                raise
            self._closed.append(str(folder))
        return sorted(listed, key=lambda entry: entry.name)

    def keeps(self, path: Path) -> bool:
        """Whether `path` is a regular file of this folder, or a link to one or into the Hub's cache."""
        try:
            real = os.path.realpath(path)
            if not stat.S_ISREG(path.stat().st_mode):
                return False
        except OSError:
            return False
        if (real + "/").startswith(self._real.rstrip("/") + "/") or _BLOB.search(real):
            return True
        self._links[str(path)] = None
        return False

    def tell(self, warn: Warn) -> None:
        """Say what was passed over."""
        if self._links:
            warn(f"{_some(list(self._links))} left out: links are followed only to files in the folder or in the Hub's cache")
        if self._closed:
            warn(f"{_some(self._closed)} left out: this user may not list them")
        if self._cut:
            told = f"after {self._seen:,} names" if self._seen >= MOST_ENTRIES else f"after {WALK_SECONDS:g} s"
            warn(f"{clean(self.root, limit=200)}: the search for files stopped {told}; name a smaller folder to see all of it")


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(clean(path, limit=120) for path in paths[:3]) + more


def _hidden(name: str) -> bool:
    return name.startswith((".", "__"))


def split_pattern(pattern: str) -> tuple[Path, tuple[str, ...]]:
    """The folder before the first part with a sign, and the parts from there on."""
    parts = Path(pattern).parts
    first = next(index for index, part in enumerate(parts) if _SIGNS.search(part))
    return Path(*parts[:first]), parts[first:]
