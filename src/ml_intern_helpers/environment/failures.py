"""Why an environment could not be built: one line of what, one line of what next."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern_helpers.environment.installers import BuildFailed, base_python
from ml_intern_helpers.environment.specs import Spec
from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.text import clean

_ROOM = "free some disk, or set ML_INTERN_CACHE to a folder with more room, and run it again"
_WRITABLE = "set ML_INTERN_CACHE to a folder that you can write to"
#: What uv, pip and venv print -> (what it means, what next, whether another installer would fail the same way).
_MEANINGS = (
    (
        r"hash mismatch|do not match the hashes|mismatched hash",
        "a downloaded package does not have the hash that {lock} names",
        "try another network or package index; when it stays, report it and do not install that package",
        True,
    ),
    (r"no space left|disk quota exceeded|os error 28", "the disk is full", _ROOM, True),
    (r"read-only file system|permission denied|os error 13", "no permission to write", _WRITABLE, True),
    (
        r"ensurepip|no module named '?(venv|pip)",
        "{python} cannot make environments: its venv or ensurepip module is missing",
        "install uv, or that module (Debian and Ubuntu: apt install python3-venv), and run it again",
        False,
    ),
    (
        r"dns error|name resolution|failed to fetch|connect|timed out|unreachable|max retries|no matching distribution|"
        r"could not find a version|not found in the package registry|offline|network|proxy|certificate|\b(40[13]|5\d\d)\b",
        "the packages could not be downloaded",
        "connect to the network (behind a proxy or with an own package index: set up pip or uv for it) and run it again",
        False,
    ),
)
_OTHER = ("an installer failed", "run it again; when it stays, report it with the log", False)


def is_final(failure: BuildFailed) -> bool:
    """Whether another installer would fail the same way."""
    return _meaning(failure.output)[2]


@contextmanager
def explained(spec: Spec, place: Path) -> Iterator[None]:
    """Turn what goes wrong inside into `Unavailable`."""
    try:
        yield
    except BuildFailed as err:
        what, hint, _ = _meaning(err.output)
        what = what.format(lock=spec.lock, python=base_python())
        log = place.with_name(f"{place.name}.log")
        raise Unavailable(
            f"cannot build the {spec.name} environment: {what} ({_said(err.output)})", hint=f"{hint}; log: {log}"
        ) from err
    except OSError as err:
        hint = _ROOM if err.errno in (errno.ENOSPC, errno.EDQUOT) else _WRITABLE
        where = err.filename or place.parent
        raise Unavailable(f"cannot build the {spec.name} environment: {where}: {err.strerror}", hint=hint) from err


def check_space(spec: Spec, folder: Path) -> None:
    """Refuse before the download what would end in a full disk."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < spec.size_gb:
        what = f"the {spec.name} environment takes about {spec.size_gb:g} GB and {folder} has {free_gb:.1f} GB free"
        raise Unavailable(what, hint=_ROOM)


def _meaning(output: str) -> tuple[str, str, bool]:
    for pattern, what, hint, final in _MEANINGS:
        if re.search(pattern, output, re.IGNORECASE):
            return what, hint, final
    return _OTHER


def _said(output: str) -> str:
    """The most telling line of an installer's output: its first error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it printed nothing"]
    errors = [line for line in lines if re.match(r"error|×|fatal", line, re.IGNORECASE)]
    return clean((errors or lines[-1:])[0], limit=200)
