"""`--on-jobs`: writes a script that runs the same audit on HF Jobs, and shows its launch command; nothing is started.

This package is on no package index, and a job cannot fetch the plugin's folder. So the script contains the packed package and
has uv install the same releases of its dependencies as here.
"""

from __future__ import annotations

import argparse
import base64
import io
import shlex
import tarfile
import textwrap
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ml_intern_helpers
from ml_intern_helpers.core.errors import BadData, UsageError
from ml_intern_helpers.core.text import human_bytes
from ml_intern_helpers.dataset.dataset_ref import DatasetRef

SCRIPT = "ml_intern_audit.py"
MARK = "# Written by inspect_dataset --on-jobs"
#: The cheapest flavor with several processors and memory for a scan; its price is shown by `hf jobs hardware`.
FLAVOR = "cpu-upgrade"
MEMORY = "8GB"
MOST_BYTES = "1000GB"
#: Bytes per second that a job is assumed to scan; on two busy processors a full scan reads some 9 MB/s of JSON.
BYTES_PER_S = 10_000_000
#: The sub-packages that the audit needs.
ROOMS = ("core", "web", "cli", "dataset")
#: Largest script that preflight_check reads; the hook stops launches of larger ones.
MOST_CHARACTERS = 256 * 1024
#: Packages that the audit imports, pinned to the releases installed here.
PACKAGES = ("datasets", "duckdb", "filelock", "huggingface_hub", "jinja2", "pyarrow", "requests", "rich", "tokenizers", "urllib3")

_TEMPLATE = '''\
# /// script
# requires-python = ">=3.11"
# dependencies = [{packages}]
# ///
{mark}: the audit itself, packed below; run with `uv run {name} DATASET --full`.
import base64
import io
import sys
import tarfile
import tempfile

PACKED = """
{packed}
"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        packed = io.BytesIO(base64.b85decode("".join(PACKED.split())))
        tarfile.open(fileobj=packed, mode="r:xz").extractall(folder, filter="data")
        sys.path.insert(0, folder)
        from ml_intern_helpers.cli.commands import main

        sys.exit(main("inspect_dataset"))
'''


def on_jobs(ref: DatasetRef, args: argparse.Namespace, num_bytes: int | None) -> dict[str, Any]:
    """Write the script and describe its launch.

    Args:
        num_bytes: size of the data if known; determines the timeout.

    Returns:
        `script`, `command`, `flavor`, `timeout`, `note`: the `on_jobs` object of the report.

    Raises:
        UsageError: the data are not on the Hub, or a file of this name was not written by this command.
        BadData: the script cannot be written.
    """
    if ref.local:
        raise UsageError("--on-jobs is for datasets on the Hub; this is a local file", hint="scan it here with --full")
    path = Path(SCRIPT)
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace")[:2000]:
        raise UsageError(f"{SCRIPT} exists and was not written by this command", hint="move it, or run in another folder")
    try:
        path.write_text(script(), encoding="utf-8")
    except OSError as err:
        raise BadData(f"{SCRIPT} cannot be written here: {err.strerror}", hint="run the command in a writable folder") from err
    # Half an hour; for more data ten minutes plus the time to read it, rounded up to whole hours, plus one.
    minutes = 10 + (num_bytes or 0) / BYTES_PER_S / 60
    timeout = "30m" if minutes <= 30 else f"{-(-int(minutes) // 60) + 1}h"
    options = ["--flavor", FLAVOR, "--timeout", timeout, "--secrets", "HF_TOKEN", "-d", "--", SCRIPT, *_arguments(ref, args)]
    size = f"set for {human_bytes(num_bytes)} of data" if num_bytes else "which may be too short: the size of the data is unknown"
    return {
        "script": SCRIPT,
        "command": shlex.join(["hf", "jobs", "uv", "run", *options]),
        "flavor": FLAVOR,
        "timeout": timeout,
        "note": f"not launched; costs {FLAVOR} for at most {timeout}, {size}; a scan, no training; report in `hf jobs logs ID`",
    }


def _arguments(ref: DatasetRef, args: argparse.Namespace) -> list[str]:
    """The arguments of the job's command; its report goes to the job's log."""
    words = [ref.address if ref.path else ref.name, "--full", "--memory", MEMORY, "--max-bytes", MOST_BYTES, "--rows", "0"]
    pairs = {"--config": ref.config, "--split": ref.split, "--method": ref.method}
    pairs |= {"--revision": None if ref.path else ref.revision}
    return words + [word for name, value in pairs.items() if value for word in (name, value)]


def script() -> str:
    packages = ", ".join(f'"{name}=={release}"' for name in PACKAGES if (release := _version(name)))
    # Pack the sub-packages reproducibly: the same sources give the same archive.
    root = Path(ml_intern_helpers.__file__).parent
    files = [*root.glob("*.py"), *(path for room in ROOMS for path in (root / room).rglob("*"))]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=9) as archive:
        for path in sorted(files):
            if path.is_file() and path.suffix != ".pyc":
                data = path.read_bytes()
                entry = tarfile.TarInfo(str(Path(root.name) / path.relative_to(root)))
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    packed = "\n".join(textwrap.wrap(base64.b85encode(out.getvalue()).decode(), 120, break_on_hyphens=False))
    return _TEMPLATE.format(packages=packages, mark=MARK, name=SCRIPT, packed=packed)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
