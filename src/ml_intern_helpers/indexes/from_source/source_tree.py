"""The Python files of one release of one package, wherever they lie: in a wheel, or in an environment's site-packages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class SourceTree:
    """Source text by module name.

    Attributes:
        package: the import name (`huggingface_hub`).
        version: the release, as its metadata spells it.
        readers: module name (`trl.trainer.sft_config`; a package's `__init__` under the package's name) -> its text.
        packages: the modules that are packages, for relative imports.
    """

    package: str
    version: str
    readers: dict[str, Callable[[], str]]
    packages: frozenset[str]

    @cached_property
    def modules(self) -> frozenset[str]:
        return frozenset(self.readers)

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """Package -> the modules directly in it, sorted."""
        found: dict[str, list[str]] = {}
        for module in sorted(self.readers):
            found.setdefault(module.rpartition(".")[0], []).append(module)
        return found

    def text(self, module: str) -> str:
        """The source of `module`; empty when there is no such module."""
        reader = self.readers.get(module)
        return reader() if reader else ""


def from_wheel(wheel: Path, package: str) -> SourceTree:
    """The tree inside a wheel (a zip file); nothing is unpacked to disk."""
    import zipfile

    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    metadata = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
    version = _VERSION.search(archive.read(metadata).decode("utf-8", "replace"))

    def reader(name: str) -> Callable[[], str]:
        return lambda: archive.read(name).decode("utf-8", "replace")

    files = {name: reader(name) for name in names if name.startswith(f"{package}/") and name.endswith(".py")}
    return _tree(package, version[1] if version else "unknown", files)


def from_site_packages(folder: Path, package: str) -> SourceTree:
    """The tree as installed in `folder`; `FileNotFoundError` when the package or its metadata is not there."""
    if not (folder / package).is_dir():
        raise FileNotFoundError(f"{package} is not installed in {folder}")
    version = version_in(folder, package)
    if version is None:
        raise FileNotFoundError(f"{package} in {folder} has no metadata, so its release is unknown")
    return from_folder(folder, package, version)


def from_folder(folder: Path, package: str, version: str) -> SourceTree:
    """The tree of the files below `folder/package`, whatever release they are said to be."""

    def reader(path: Path) -> Callable[[], str]:
        return lambda: path.read_text(encoding="utf-8", errors="replace")

    files = {path.relative_to(folder).as_posix(): reader(path) for path in sorted((folder / package).rglob("*.py"))}
    return _tree(package, version, files)


def version_in(folder: Path, package: str) -> str | None:
    """The release installed in `folder`, from its metadata; None when there is none."""
    for path in sorted(folder.glob("*.dist-info/METADATA")):
        if _same_name(path.parent.name, package):
            found = _VERSION.search(path.read_text(encoding="utf-8", errors="replace"))
            return found[1] if found else None
    return None


def _same_name(dist_info: str, package: str) -> bool:
    name = dist_info.removesuffix(".dist-info").rpartition("-")[0]
    return re.sub(r"[-_.]+", "_", name).lower() == package.lower()


def _tree(package: str, version: str, files: dict[str, Callable[[], str]]) -> SourceTree:
    readers, packages = {}, set()
    for name, read in files.items():
        module = name.removesuffix(".py").replace("/", ".")
        if module.endswith(".__init__"):
            module = module.removesuffix(".__init__")
            packages.add(module)
        readers[module] = read
    return SourceTree(package, version, readers, frozenset(packages))
