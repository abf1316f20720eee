"""Why an environment could not be built: one line of what, one line of what next."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.environment.installers import BuildFailed, base_python
from ml_intern_helpers.environment.specs import Spec

_ROOM = "free some disk, or set ML_INTERN_CACHE to a folder with more room, and run it again"
_WRITABLE = "set ML_INTERN_CACHE to a folder that you can write to"


@dataclass(frozen=True)
class _Meaning:
    """`seen` in an installer's output means `what`; `final` when another installer would fail the same way."""

    seen: str
    what: str
    hint: str
    final: bool = False


_MEANINGS = (
    _Meaning(
        "hash mismatch|do not match the hashes",
        "a downloaded package does not have the hash that {lock} names",
        "try another network or package index; when it stays, report it and do not install that package",
        final=True,
    ),
    _Meaning("no space left|quota exceeded|os error 28|errno 28", "the disk is full", _ROOM, final=True),
    _Meaning("read-only file system|permission denied|os error 13", "no permission to write", _WRITABLE, final=True),
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
_OTHER = _Meaning("", "an installer failed", "run it again; when it stays, report it with the log")


def give_up_if_final(failure: BuildFailed) -> None:
    """Raise it again when another installer would fail the same way; a wrong hash is never worked around."""
    if _meaning(failure.output).final:
        raise failure


@contextmanager
def explained(spec: Spec, place: Path) -> Iterator[None]:
    """Turn what goes wrong inside into `Unavailable`."""
    cannot = f"cannot build the {spec.name} environment"
    try:
        yield
    except BuildFailed as err:
        meaning = _meaning(err.output)
        machine, version = f"{platform.system()} {platform.machine()}", platform.python_version()
        what = meaning.what.format(lock=spec.lock, python=base_python(), machine=machine, version=version)
        log = place.with_name(f"{place.name}.log")
        raise Unavailable(f"{cannot}: {what} ({_said(err.output)})", hint=f"{meaning.hint}; log: {log}") from err
    except OSError as err:
        hint = _ROOM if err.errno in (errno.ENOSPC, errno.EDQUOT) else _WRITABLE
        raise Unavailable(f"{cannot}: {err.filename or place.parent}: {os.strerror(err.errno or 0)}", hint=hint) from err


def check_space(spec: Spec, folder: Path) -> None:
    """Refuse before the download what would end in a full disk. Raises: Unavailable."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < spec.size_gb:
        what = f"the {spec.name} environment takes about {spec.size_gb:g} GB and {folder} has {free_gb:.1f} GB free"
        raise Unavailable(what, hint=_ROOM)


def _meaning(output: str) -> _Meaning:
    return next((meaning for meaning in _MEANINGS if re.search(meaning.seen, output, re.IGNORECASE)), _OTHER)


def _said(output: str) -> str:
    """The most telling line of an installer's output: its first error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it printed nothing"]
    errors = [line for line in lines if re.match("error|fatal", line, re.IGNORECASE)]
    return clean((errors or lines[-1:])[0], limit=200)
