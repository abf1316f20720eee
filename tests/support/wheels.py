"""Wheels made by a test: a package of the files given, nothing else."""

from __future__ import annotations

import json
import tempfile
import textwrap
import zipfile
from pathlib import Path
from unittest import mock

from ml_intern_helpers.indexes.libraries import installed
from ml_intern_helpers.indexes.signatures import Library, Release


def make_wheel(folder: Path, package: str, version: str, files: dict[str, str]) -> Path:
    """A wheel that pip and uv install; `files` are relative to the package's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{package}-{version}.dist-info"
    content = {f"{package}/{name}": textwrap.dedent(text) for name, text in {"__init__.py": "", **files}.items()}
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: {version}\n"
    content[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*content, f"{info}/RECORD"])
    path = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def python_beside(folder: Path, *wheels: Path) -> Path:
    """What answers like a Python with these wheels installed; it only says where they lie, so that no Python has to start."""
    site = folder / "site-packages"
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    python = folder / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps([str(site)] * 2)}'\n")
    python.chmod(0o755)
    return python


def release_of(folder: Path, files: dict[str, str], package: str = "trl", version: str = "1.0") -> Release:
    """The release in such a wheel, as it is read where the wheel is installed."""
    own = Path(tempfile.mkdtemp(dir=folder))
    python = python_beside(own, make_wheel(own, package, version, files))
    with mock.patch.dict("os.environ", {"ML_INTERN_CACHE": str(own / "cache")}):
        release = installed(str(python), package)
    assert release is not None
    return release


def library_of(folder: Path, files: dict[str, str], package: str = "trl") -> Library:
    """A library of that one release."""
    return Library(release_of(folder, files, package))
