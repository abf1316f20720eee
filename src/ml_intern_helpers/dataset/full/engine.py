"""Runs DuckDB within bounds: limited memory, access to the given files only, no downloads, and stopped by Ctrl-C.

It also shows the progress on a terminal and translates DuckDB's exceptions for the user.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData, ToolError, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.sql import literals
from ml_intern_helpers.dataset.local import json_files
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, MIB
from ml_intern_helpers.dataset.local.text_files import path_text
from ml_intern_helpers.dataset.sample import Stored

#: Memory in bytes that one thread needs for its part of a file and the rows it works on.
THREAD_BYTES = 96 * MIB
#: Seconds between two looks at the progress of a query.
POLL_S = 0.25
#: Seconds to wait for an interrupted query, which has files open that are to be removed.
STOPPING_S = 10.0
_WIDTH = 78
#: Seconds between two updates of the progress line.
_REFRESH_S = 0.5
_LINE_NUMBER = re.compile(r"in line (\d+)")


class Engine:
    """An in-memory DuckDB that spills to a temporary folder of its own.

    Args:
        memory_bytes: limit for DuckDB's own tables and buffers; the process takes some 250 MiB more.
        paths: the only files it may open; they are read through links, since DuckDB takes signs in a name for a pattern.
        system: an fsspec file system for paths that are not on this machine.
        row_bytes: size of an average row as stored; with large rows fewer threads are used.
    """

    def __init__(self, memory_bytes: int, paths: Iterable[str | Path], system: Any = None, row_bytes: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ml-intern-scan-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.paths = [self._safe_path(number, path) for number, path in enumerate(paths)]
        self.threads = _threads(memory_bytes, row_bytes)
        self._connection = self._connect(memory_bytes)
        if system is not None:
            self._connection.register_filesystem(system)
        self._restrict_access()

    def _connect(self, memory_bytes: int) -> Any:
        import duckdb

        spill = self.folder / "spill"
        spill.mkdir()
        return duckdb.connect(
            config={
                "memory_limit": f"{memory_bytes // MIB}MiB",
                "threads": str(self.threads),
                "temp_directory": str(spill),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                "allow_persistent_secrets": "false",
                "enable_external_file_cache": "false",  # a file is read once
            }
        )

    def _safe_path(self, number: int, path: str | Path) -> str:
        """A link to `path` with a plain name: DuckDB would read `rows[1].jsonl` as a pattern."""
        if isinstance(path, str):
            return path
        link = self.folder / f"{number}{''.join(path.suffixes[-2:]) if path.suffix == '.gz' else path.suffix}"
        link = link if link.name.replace(".", "").isalnum() else self.folder / str(number)
        try:
            link.symlink_to(path.absolute())
        except OSError:  # this file system has no links
            return str(path)
        return str(link)

    def _restrict_access(self) -> None:
        """Allow access to the given files only, and lock the settings."""
        self._connection.execute(f"SET allowed_paths = [{literals(self.paths)}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET enable_progress_bar = true")
        self._connection.execute("SET enable_progress_bar_print = false")
        self._connection.execute("SET lock_configuration = true")

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._connection.interrupt()
        try:
            self._connection.close()
        finally:
            self._folder.cleanup()

    def register(self, name: str, value: Any) -> None:
        self._connection.register(name, value)

    def function(self, name: str, call: Callable[[list[str]], bool]) -> None:
        """Make `call` available in SQL as the function `name`, from a list of texts to a boolean."""
        import duckdb

        self._connection.create_function(name, call, [duckdb.list_type("VARCHAR")], "BOOLEAN")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return found

    def run(self, query: str, progress: Callable[[float], None] = lambda _: None) -> None:
        """Run a long query in a thread, so that Ctrl-C can stop it and `progress` is called (0 to 1, or below 0 when unknown).

        Raises:
            whatever DuckDB raises; KeyboardInterrupt after the query was stopped.
        """
        errors: list[BaseException] = []
        done = threading.Event()
        threading.Thread(target=self._work, args=(query, errors, done), daemon=True).start()
        try:
            # Not `Thread.join`: once interrupted, it reports a running thread as ended (Python 3.11).
            while not done.wait(POLL_S):
                progress(self._connection.query_progress() / 100)
        except KeyboardInterrupt:
            self._connection.interrupt()
            done.wait(STOPPING_S)
            raise
        if errors:
            raise errors[0]

    def _work(self, query: str, errors: list[BaseException], done: threading.Event) -> None:
        try:
            self._connection.execute(query)
        except BaseException as err:  # raised again by `run` in the calling thread
            errors.append(err)
        finally:
            done.set()


def _threads(memory_bytes: int, row_bytes: float) -> int:
    """The number of threads that processors and memory allow; in each, DuckDB keeps several copies of some 2,048 rows."""
    bytes_per_thread = max(THREAD_BYTES, int(row_bytes * 2048 * 4))
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return max(1, min(processors, memory_bytes // bytes_per_thread))


def duckdb_missing() -> Unavailable:
    return Unavailable("the full scan needs DuckDB, which is not installed", hint="pip install 'duckdb>=2.0'")


class Progress:
    """A progress line on the terminal. Call it with a share (0 to 1, below 0 when unknown); leaving its context clears it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._written_at = time.monotonic()
        self._visible = False

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._written_at < _REFRESH_S or sys.stderr is None or not sys.stderr.isatty():
            return
        self._written_at, self._visible = now, True
        sys.stderr.write("\r" + _progress_text(self._what, share, now - self._began).ljust(_WIDTH)[:_WIDTH])
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
            sys.stderr.flush()


def _progress_text(what: str, share: float, passed_s: float) -> str:
    if share <= 0:
        return f"{what}: {passed_s:.0f} s"
    left_s = passed_s * (1 - share) / share
    return f"{what}: {share:.0%}, {passed_s:.0f} s, about {left_s:.0f} s to go"


def explained_error(err: Exception, stored: Stored, split: str, memory: str) -> ToolError:
    """The error that tells the user why DuckDB stopped, and what to do.

    Raises:
        BadData: from `json_files.check_lines`, when it finds the broken line itself.
    """
    if isinstance(err, ToolError):
        return err
    name, text = type(err).__name__, str(err)
    if name == "OutOfMemoryException":
        return Unavailable(
            f"the full scan needs more than {memory} of memory", hint="raise the limit with --memory, for example --memory 2GB"
        )
    if "Traceback" in text:  # raised in the file system: by the network, a token or a missing file
        reason = clean(text.strip().splitlines()[-1], limit=200)
        return Unavailable(
            f"the full scan stopped while it read from the Hub: {reason}",
            hint="run the command again; check the network and your access to the dataset",
        )
    if stored.format == "jsonl":
        paths = [Path(path) for path in stored.splits[split]]
        if "maximum_object_size" in text:
            return BadData(
                f"{path_text(paths[0])} has a line longer than {LONGEST_LINE_BYTES // MIB} MiB",
                hint="put one row on each line; save a JSON array as a .json file",
            )
        match = _LINE_NUMBER.search(text)
        if match:
            # DuckDB's line number may be off by one, so check the neighbours, too: `check_lines` raises a clearer error.
            for path in paths:
                number = int(match[1])
                json_files.check_lines(path, range(max(number - 1, 1), number + 2))
        return BadData(
            f"{path_text(paths[0])}: the full scan stopped: {_first_line(text)}", hint="repair or remove the invalid line"
        )
    where = path_text(Path(str(stored.splits[split][0])))
    if stored.format == "parquet":
        return BadData(
            f"{where}: the full scan stopped: {_first_line(text)}",
            hint="the file is damaged or incomplete: download or write it again",
        )
    return Unavailable(
        f"{where}: the full scan stopped: {name}: {_first_line(text)}", hint="run without --full to inspect a sample"
    )


def _first_line(text: str) -> str:
    return clean(text.split("\n", 1)[0], limit=200)
