"""Provides the index of any release: shipped with the package, cached, built from an environment, or fetched."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.core.paths import cache_dir
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.signatures import Library
from ml_intern_helpers.indexes.stored_release import FORMAT, StoredRelease, load

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

#: The import names of the indexed packages; each distribution has the same name (with `-` for `_`).
PACKAGES = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")
DATA = Path(__file__).parent / "data"
SUFFIX = ".index"
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")
_PATHS = "import json, sysconfig; print(json.dumps([sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]))"


@cache
def shipped_versions() -> dict[str, str]:
    """Package -> the release whose index is shipped, read from the file names of the indexes."""
    names = sorted(path.stem for path in DATA.iterdir() if path.suffix == SUFFIX and "-" in path.stem)
    return dict(name.rsplit("-", 1) for name in names)


@cache
def shipped(package: str) -> StoredRelease:
    """The shipped index of `package`."""
    return load(DATA / f"{package}-{shipped_versions()[package]}{SUFFIX}")


def shipped_library(*packages: str) -> Library:
    """A library of the shipped releases of all packages, or of those named."""
    return Library(*(shipped(package) for package in packages or PACKAGES))


def release(package: str, version: str, *, offline: bool = False, timeout_s: float = 180) -> StoredRelease:
    """The index of one release; fetched and built when it is neither shipped nor cached.

    Raises:
        UsageError: the package is not indexed, or the version is not valid.
        NotFound: there is no such release.
        Unavailable: neither pip nor uv could fetch it, or the call is offline.
    """
    package = package.replace("-", "_").lower()
    if package not in PACKAGES:
        raise UsageError(f"{clean(package, limit=60)!r} is not indexed", hint=f"indexed: {', '.join(PACKAGES)}")
    if not _VERSION.fullmatch(version):
        raise UsageError(f"{clean(version, limit=60)!r} is not a release", hint=f"write a full version: {package}==1.2.3")
    if shipped_versions().get(package) == version:
        return shipped(package)
    cached = _cache_path(package, version)
    index = _load_cached(cached)
    if index is None:
        if offline:
            raise Unavailable(f"offline, and no index of {package} {version} is stored", hint="run again online")
        import tempfile

        from ml_intern_helpers.indexes.from_source.source_tree import fetched

        with tempfile.TemporaryDirectory(prefix="ml-intern-") as folder:
            index = _build(fetched(package, version, Path(folder), timeout_s=timeout_s), cached)
    return index


def installed(python: str, package: str) -> StoredRelease | None:
    """The index of `package` as installed beside the interpreter `python` (also as an editable checkout), or None.

    It is built from the files on first use and cached under a digest of the installation.

    Raises:
        UsageError: `python` does not run as an interpreter.
    """
    from ml_intern_helpers.indexes.from_source.source_tree import from_folder, version_in

    folders = site_packages(python)
    home = next((folder for folder in folders if (folder / package / "__init__.py").is_file()), None)
    version = next((installed_version for folder in folders if (installed_version := version_in(folder, package))), None)
    if home is None or version is None:
        return None
    cached = _cache_path(package, f"{clean(version, limit=40).replace('/', '_')}+{_digest(home, package)}")
    return _load_cached(cached) or _build(from_folder(home, package, version), cached)


def site_packages(python: str) -> list[Path]:
    """The folders in which `python` finds installed packages, including checkouts that a `.pth` file adds."""
    from ml_intern_helpers.indexes.from_source.source_tree import run

    done = run([python, "-I", "-c", _PATHS], 30)
    try:
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        answer = None
    # A Python prints exactly two paths.
    if not isinstance(answer, list) or len(answer) != 2 or not all(isinstance(line, str) for line in answer):
        message = f"{clean(python, limit=200)!r} does not run as a Python"
        raise UsageError(message, hint="pass the path of the interpreter that will run the script")
    folders = [Path(line) for line in dict.fromkeys(answer)]
    files = [path for folder in folders for path in sorted(folder.glob("*.pth"))]
    lines = [line.strip() for path in files for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return folders + [Path(line) for line in dict.fromkeys(lines) if line.startswith("/") and Path(line).is_dir()]


def _build(tree: SourceTree, target: Path) -> StoredRelease:
    """Build the index and load it from the cache, or from a temporary folder where the cache cannot be written."""
    from ml_intern_helpers.indexes.from_source.tree_release import TreeRelease, save

    built = TreeRelease(tree)
    try:
        save(built, target)
        return load(target)
    except OSError:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="ml-intern-") as folder:
            save(built, Path(folder) / target.name)
            return load(Path(folder) / target.name)


def _cache_path(package: str, version: str) -> Path:
    return cache_dir() / "api_index" / f"v{FORMAT}" / f"{package}-{version}{SUFFIX}"


def _load_cached(path: Path) -> StoredRelease | None:
    """The cached index; None when it is missing or damaged, so that it is built again."""
    try:
        return load(path)
    except (OSError, ValueError):
        return None


def _digest(home: Path, package: str) -> str:
    """A digest of the installation, from its RECORD, which lists the hashes of all files; for a checkout, from file times."""
    records = [path.read_bytes() for path in sorted(home.glob(f"{package}-*.dist-info/RECORD"))]
    if not records:
        files = sorted((home / package).rglob("*.py"))
        records = [f"{path} {stat.st_size} {stat.st_mtime_ns}".encode() for path in files if (stat := path.stat())]
    import hashlib  # loads OpenSSL, and is needed only when an interpreter is given

    return hashlib.sha256(b"\n".join(records)).hexdigest()[:12]
