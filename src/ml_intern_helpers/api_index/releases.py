"""Gets the index of any release: shipped with the package, cached from an earlier call, read from an environment, or fetched."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path

from ml_intern_helpers.api_index.shipped import PACKAGES, SUFFIX, shipped, shipped_versions
from ml_intern_helpers.api_index.stored_release import StoredRelease, load
from ml_intern_helpers.api_index.table_file import FORMAT
from ml_intern_helpers.errors import Unavailable, UsageError
from ml_intern_helpers.paths import cache_dir
from ml_intern_helpers.text import clean

_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")
_PATHS = "import json, sysconfig; print(json.dumps([sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]))"


def release(package: str, version: str, *, offline: bool = False, timeout_s: float = 180) -> StoredRelease:
    """The index of one release; fetched and built when neither shipped nor cached.

    Raises:
        UsageError: a package that is not indexed, or a version that is none.
        NotFound: there is no such release.
        Unavailable: neither pip nor uv could fetch it, or the call is offline.
    """
    package = package.replace("-", "_").lower()
    if package not in PACKAGES:
        raise UsageError(f"{clean(package, limit=60)!r} is not indexed", hint=f"indexed: {', '.join(PACKAGES)}")
    if not _VERSION.fullmatch(version):
        raise UsageError(f"{clean(version, limit=60)!r} is not a release", hint=f"write it out: {package}==1.2.3")
    if shipped_versions().get(package) == version:
        return shipped(package)
    cached = _cache_path(package, version)
    found = _load_cached(cached)
    if found is None:
        if offline:
            raise Unavailable(f"offline, and no index of {package} {version} is stored", hint="run again online")
        found = _fetch_and_build(package, version, cached, timeout_s)
    return found


def installed(python: str, package: str) -> StoredRelease | None:
    """The index of `package` as installed beside the interpreter `python`; None when it is not there.

    Built from the files on first use and cached under a digest of the installation's own record of them.

    Raises:
        UsageError: `python` is no interpreter that runs.
    """
    for folder in site_packages(python):
        if (folder / package).is_dir():
            found = _installed_in(folder, package)
            if found is not None:
                return found
    return None


def site_packages(python: str) -> list[Path]:
    """Where `python` keeps installed packages."""
    from ml_intern_helpers.api_index.fetch import run

    done = run([python, "-I", "-c", _PATHS], 30)
    try:
        return [Path(line) for line in dict.fromkeys(json.loads(done.stdout))] if done.returncode == 0 else _no_python(python)
    except ValueError:
        return _no_python(python)


def _no_python(python: str) -> list[Path]:
    raise UsageError(
        f"{clean(python, limit=200)!r} does not run as a Python", hint="give the path of the interpreter the run will use"
    )


def _installed_in(folder: Path, package: str) -> StoredRelease | None:
    from ml_intern_helpers.api_index.source_tree import from_site_packages, version_in

    version = version_in(folder, package)
    if version is None:
        return None
    cached = _cache_path(package, f"{version}+{_digest(folder, package)}")
    return _load_cached(cached) or _build(from_site_packages(folder, package), cached)


def _fetch_and_build(package: str, version: str, target: Path, timeout_s: float) -> StoredRelease:
    from ml_intern_helpers.api_index.fetch import fetched

    with tempfile.TemporaryDirectory(prefix="ml-intern-") as folder:
        return _build(fetched(package, version, Path(folder), timeout_s=timeout_s), target)


def _build(tree: object, target: Path) -> StoredRelease:
    """Kept in the cache where that can be written; the answer does not depend on it."""
    from ml_intern_helpers.api_index.describe import save
    from ml_intern_helpers.api_index.source_tree import SourceTree
    from ml_intern_helpers.api_index.tree_release import TreeRelease

    assert isinstance(tree, SourceTree)
    built = TreeRelease(tree)
    try:
        save(built, target)
        return load(target)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="ml-intern-") as folder:
            save(built, Path(folder) / target.name)
            return load(Path(folder) / target.name)


def _cache_path(package: str, version: str) -> Path:
    return cache_dir() / "api_index" / f"v{FORMAT}" / f"{package}-{version}{SUFFIX}"


def _load_cached(path: Path) -> StoredRelease | None:
    """A broken entry counts as none: it is built again."""
    try:
        return load(path)
    except (OSError, ValueError):
        return None


def _digest(folder: Path, package: str) -> str:
    """Changes with the installation: its RECORD lists every file's hash."""
    records = sorted(folder.glob(f"{package}-*.dist-info/RECORD"))
    text = b"".join(path.read_bytes() for path in records) or str(folder).encode()
    return hashlib.sha256(text).hexdigest()[:12]
