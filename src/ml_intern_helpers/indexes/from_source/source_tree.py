"""Provides the Python files of one release: from a wheel, an environment's site-packages, or fetched by uv or pip."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import which

from ml_intern_helpers.core.errors import NotFound, Unavailable
from ml_intern_helpers.core.text import clean

_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)
_NO_SUCH = re.compile(
    r"no matching distribution|no version of|not found in the package registry|no solution found", re.IGNORECASE
)
#: pip reports "no matching distribution" even when it could not reach the package index.
_UNREACHABLE = re.compile(r"connection|timed out|timeout|resolve|unreachable|certificate|\b(401|403|407|5\d\d)\b", re.IGNORECASE)


@dataclass(frozen=True)
class SourceTree:
    """Source text by module name.

    Attributes:
        package: the import name (`huggingface_hub`).
        version: the release, as written in its metadata.
        readers: module name (`trl.trainer.sft_config`; for an `__init__`, the package) -> a function that reads its text.
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
        children: dict[str, list[str]] = {}
        for module in sorted(self.readers):
            children.setdefault(module.rpartition(".")[0], []).append(module)
        return children

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
    """The tree as installed in `folder`; raises FileNotFoundError without the package or its metadata."""
    if not (folder / package).is_dir():
        raise FileNotFoundError(f"{package} is not installed in {folder}")
    version = version_in(folder, package)
    if version is None:
        raise FileNotFoundError(f"{package} in {folder} has no metadata, so its release is unknown")
    return from_folder(folder, package, version)


def from_folder(folder: Path, package: str, version: str) -> SourceTree:
    """The tree of the files below `folder/package`, with the given version."""

    def reader(path: Path) -> Callable[[], str]:
        return lambda: path.read_text(encoding="utf-8", errors="replace")

    files = {path.relative_to(folder).as_posix(): reader(path) for path in sorted((folder / package).rglob("*.py"))}
    return _tree(package, version, files)


def version_in(folder: Path, package: str) -> str | None:
    """The release installed in `folder`, from its metadata; None when there is none."""
    for path in sorted(folder.glob("*.dist-info/METADATA")):
        name = path.parent.name.removesuffix(".dist-info").rpartition("-")[0]
        if re.sub(r"[-_.]+", "_", name).lower() == package.lower():
            version = _VERSION.search(path.read_text(encoding="utf-8", errors="replace"))
            return version[1] if version else None
    return None


def _tree(package: str, version: str, files: dict[str, Callable[[], str]]) -> SourceTree:
    readers, packages = {}, set()
    for name, read in files.items():
        module = name.removesuffix(".py").replace("/", ".")
        if module.endswith(".__init__"):
            module = module.removesuffix(".__init__")
            packages.add(module)
        readers[module] = read
    return SourceTree(package, version, readers, frozenset(packages))


def fetched(package: str, version: str, folder: Path, *, timeout_s: float = 180) -> SourceTree:
    """The tree of a release, fetched by uv or pip so that the user's own index, proxy and certificates apply.

    Its files are put into `folder`, which is empty and deleted by the caller. They are read, never installed or imported.

    Raises:
        NotFound: there is no such release.
        Unavailable: neither uv nor pip is installed, or neither could fetch it.
    """
    requirement = f"{package.replace('_', '-')}=={version}"
    errors = []
    for number, command in enumerate(_fetchers(requirement)):
        target = folder / str(number)
        target.mkdir()
        done = run([*command[:-1], str(target), command[-1]], timeout_s)
        if done.returncode == 0:
            wheels = list(target.glob("*.whl"))
            return from_wheel(wheels[0], package) if wheels else from_site_packages(target, package)
        errors.append(done.stderr)
    if not errors:
        raise Unavailable(f"cannot fetch {requirement}: neither uv nor pip is installed", hint="install uv, or python3-pip")
    if any(_NO_SUCH.search(text) and not _UNREACHABLE.search(text) for text in errors):
        raise NotFound(f"there is no release {requirement} with a wheel", hint="check the version on the package's page")
    lines = [line for text in errors for line in text.strip().splitlines() if line.strip()]
    last = clean(lines[-1], limit=200) if lines else "no reason given"
    raise Unavailable(f"could not fetch {requirement}: {last}", hint="check the network and your index settings")


def _fetchers(requirement: str) -> Iterator[list[str]]:
    """Commands without the folder, which goes before the requirement. uv cannot download a wheel, but can install one."""
    wheels = ["--quiet", "--no-deps", "--only-binary", ":all:"]
    if uv := which("uv"):
        yield [uv, "pip", "install", *wheels, "--python-version", "3.12", "--target", requirement]
    for python in dict.fromkeys([sys.executable, which("python3") or sys.executable]):
        if run([python, "-c", "import pip"], 30).returncode == 0:
            yield [python, "-m", "pip", "download", "--disable-pip-version-check", *wheels, "-d", requirement]


def run(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """The finished process; one that could not start or timed out has return code 1 and the reason as its stderr."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {timeout_s:g} s (timed out)")
    except OSError as err:
        return subprocess.CompletedProcess(command, 1, "", str(err))
