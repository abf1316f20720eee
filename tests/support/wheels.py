"""Wheels made by a test: a package of the files given, nothing else."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

from ml_intern_helpers.indexes.from_source.source_tree import from_wheel
from ml_intern_helpers.indexes.from_source.tree_release import TreeRelease
from ml_intern_helpers.indexes.signatures import Library


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


def release_of(folder: Path, files: dict[str, str], package: str = "trl", version: str = "1.0") -> TreeRelease:
    """The release in such a wheel."""
    return TreeRelease(from_wheel(make_wheel(folder, package, version, files), package))


def library_of(folder: Path, files: dict[str, str], package: str = "trl") -> Library:
    """A library of that one release."""
    return Library(release_of(folder, files, package))
