"""Runs DuckDB within bounds: limited memory, only the given files, no downloads, and it stops at Ctrl-C.

Its progress is shown on a terminal, and its exceptions are translated into one clear error.
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

#: Memory that one thread needs for its share of a file and the rows it works on, in bytes.
THREAD_BYTES = 96 * MIB
POLL_S = 0.25
#: An interrupted query is waited for so long; it holds files that are to be removed.
STOPPING_S = 10.0
_WIDTH = 78
_EVERY_S = 0.5
_LINE = re.compile(r"in line (\d+)")


class Engine:
    """One DuckDB in memory, with a folder of its own for what does not fit.

    Args:
        memory_bytes: what DuckDB may take for its own tables and buffers; the process takes some 250 MiB more.
        paths: files it may open; names that hold signs of a pattern are reached by links with plain names.
        system: an fsspec file system for paths that are not on this machine.
        row_bytes: size of an average row as stored; large rows get fewer threads.
    """

    def __init__(self, memory_bytes: int, paths: Iterable[str | Path], system: Any = None, row_bytes: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ml-intern-scan-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.paths = [self._reachable(number, path) for number, path in enumerate(paths)]
        self.threads = _threads(memory_bytes, row_bytes)
        self._connection = self._connect(memory_bytes)
        if system is not None:
            self._connection.register_filesystem(system)
        self._close_off()

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

    def _reachable(self, number: int, path: str | Path) -> str:
        """A path that DuckDB takes for one file; it would read `rows[1].jsonl` as a pattern."""
        if isinstance(path, str):
            return path
        link = self.folder / f"{number}{''.join(path.suffixes[-2:]) if path.suffix == '.gz' else path.suffix}"
        link = link if link.name.replace(".", "").isalnum() else self.folder / str(number)
        try:
            link.symlink_to(path.absolute())
        except OSError:  # no links on this file system
            return str(path)
        return str(link)

    def _close_off(self) -> None:
        """From here on only the given files can be opened, and no setting can change that."""
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
        """Make `call` a function of SQL that takes a list of texts and says yes or no."""
        import duckdb

        self._connection.create_function(name, call, [duckdb.list_type("VARCHAR")], "BOOLEAN")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return found

    def run(self, query: str, progress: Callable[[float], None] = lambda _: None) -> None:
        """Run a long query in a thread, so that Ctrl-C is heard and `progress` is called (0 to 1, or below 0 when unknown).

        Raises:
            whatever DuckDB raises; KeyboardInterrupt after the query was stopped.
        """
        failed: list[BaseException] = []
        done = threading.Event()
        threading.Thread(target=self._work, args=(query, failed, done), daemon=True).start()
        try:
            # Not `Thread.join`: interrupted once, it takes a thread that still runs for one that has ended (Python 3.11).
            while not done.wait(POLL_S):
                progress(self._connection.query_progress() / 100)
        except KeyboardInterrupt:
            self._connection.interrupt()
            done.wait(STOPPING_S)
            raise
        if failed:
            raise failed[0]

    def _work(self, query: str, failed: list[BaseException], done: threading.Event) -> None:
        try:
            self._connection.execute(query)
        except BaseException as err:  # handed to the thread that asked
            failed.append(err)
        finally:
            done.set()


def _threads(memory_bytes: int, row_bytes: float) -> int:
    """As many threads as there are processors and memory for; DuckDB holds some 2,048 rows at a time in each, several times."""
    each = max(THREAD_BYTES, int(row_bytes * 2048 * 4))
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return max(1, min(processors, memory_bytes // each))


def missing() -> Unavailable:
    return Unavailable("the full scan needs DuckDB, which is not installed", hint="pip install 'duckdb>=2.0'")


class Progress:
    """Call it with a share from 0 to 1, or below 0 when nobody knows; use it as a context so that the line is cleared."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._written_at = time.monotonic()
        self._visible = False

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._written_at < _EVERY_S or sys.stderr is None or not sys.stderr.isatty():
            return
        self._written_at, self._visible = now, True
        sys.stderr.write("\r" + _line(self._what, share, now - self._began).ljust(_WIDTH)[:_WIDTH])
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
            sys.stderr.flush()


def _line(what: str, share: float, passed_s: float) -> str:
    if share <= 0:
        return f"{what}: {passed_s:.0f} s"
    left_s = passed_s * (1 - share) / share
    return f"{what}: {share:.0%}, {passed_s:.0f} s, about {left_s:.0f} s to go"


def explained_error(err: Exception, stored: Stored, split: str, memory: str) -> ToolError:
    """The error for the user; a broken line is named as the reader of the sample names it."""
    if isinstance(err, ToolError):
        return err
    name, text = type(err).__name__, str(err)
    if name == "OutOfMemoryException":
        return Unavailable(f"the full scan needs more than {memory} of memory", hint="give it more with --memory, such as 2GB")
    if "Traceback" in text:  # out of the file system: the network, a token, a file that is gone
        last = clean(text.strip().splitlines()[-1], limit=200)
        return Unavailable(f"the full scan stopped while it read from the Hub: {last}", hint="run it again")
    if stored.format == "jsonl":
        paths = [Path(path) for path in stored.splits[split]]
        if "maximum_object_size" in text:
            return BadData(
                f"{path_text(paths[0])} has a line longer than {LONGEST_LINE_BYTES // MIB} MiB",
                hint="one row per line? A JSON array belongs into a .json file",
            )
        match = _LINE.search(text)
        if match:
            # DuckDB mixes up rows and lines: it means the line it names or the one before.
            for path in paths:
                # The reader of the sample checks line `number` and its neighbours, and says what is wrong with them.
                number = int(match[1])
                json_files.check_lines(path, range(max(number - 1, 1), number + 2))
        return BadData(f"{path_text(paths[0])}: the full scan stopped: {_first_line(text)}", hint="repair or drop that line")
    where = path_text(Path(str(stored.splits[split][0])))
    if stored.format == "parquet":
        return BadData(
            f"{where}: the full scan stopped: {_first_line(text)}", hint="the file is damaged or cut off: get it again"
        )
    return Unavailable(f"{where}: the full scan stopped: {name}: {_first_line(text)}", hint="run without --full for a sample")


def _first_line(text: str) -> str:
    return clean(text.split("\n", 1)[0], limit=200)
