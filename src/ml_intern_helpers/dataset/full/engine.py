"""DuckDB, held to bounds: so much memory, the given files and no others, nothing downloaded, and it stops when told to."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.dataset.full import sql
from ml_intern_helpers.dataset.local.bounds import MIB

#: Memory that one thread needs for its share of a file and the rows it works on, in bytes.
THREAD_BYTES = 96 * MIB
POLL_S = 0.25
#: A query that was told to stop is waited for so long; it holds files that are to be removed.
STOPPING_S = 10.0
Progress = Callable[[float], None]


def _unheard(share: float) -> None:
    """No progress to tell."""


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
        self._connection.execute(f"SET allowed_paths = [{sql.texts(self.paths)}]")
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
        """Make an Arrow reader a table."""
        self._connection.register(name, value)

    def function(self, name: str, call: Callable[[list[str]], bool]) -> None:
        """Make `call` a function of SQL that takes a list of texts and says yes or no."""
        import duckdb

        self._connection.create_function(name, call, [duckdb.list_type("VARCHAR")], "BOOLEAN")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer of a short query."""
        found: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return found

    def run(self, query: str, progress: Progress = _unheard) -> None:
        """Run a long query in a thread, so that Ctrl-C is heard and progress can be told (0 to 1, or below 0 when unknown).

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
    """DuckDB is not installed."""
    return Unavailable("the full scan needs DuckDB, which is not installed", hint="pip install 'duckdb>=2.0'")
