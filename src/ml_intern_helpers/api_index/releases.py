"""Gets the index of a release: shipped with the package, cached from an earlier call, read from an environment, or fetched.

A wheel is fetched through pip or uv, so that the user's own index, proxy and certificates hold; it is read, never installed
or imported.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import NoReturn

from ml_intern_helpers.api_index.signatures import Library
from ml_intern_helpers.api_index.source_tree import SourceTree, from_site_packages, from_wheel
from ml_intern_helpers.api_index.store import FORMAT, StoredRelease, load, save
from ml_intern_helpers.api_index.tree_release import TreeRelease
from ml_intern_helpers.errors import NotFound, Unavailable, UsageError
from ml_intern_helpers.paths import cache_dir
from ml_intern_helpers.text import clean

#: The packages that are indexed, as they are imported; each is distributed under the same name (`-` for `_`).
PACKAGES = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")
SHIPPED = Path(__file__).parent / "data"
_VERSION = re.compile(r"\d+(\.\d+)*([a-z]+\d*)?(\.(post|dev)\d+)?")
_FETCH_TIMEOUT_S = 180


def shipped_versions() -> dict[str, str]:
    """Package -> the release whose index ships."""
    names = (path.name.removesuffix(".json.gz") for path in SHIPPED.glob("*-*.json.gz"))
    return dict(name.rsplit("-", 1) for name in sorted(names))


def shipped(package: str) -> StoredRelease:
    """The shipped index of `package`."""
    return load(SHIPPED / f"{package}-{shipped_versions()[package]}.json.gz")


def shipped_library(*packages: str) -> Library:
    """The shipped releases, together (of all packages, or of those named)."""
    return Library(*(shipped(package) for package in packages or PACKAGES))


def release(package: str, version: str, *, offline: bool = False) -> StoredRelease:
    """The index of one release; fetched and built when neither shipped nor cached.

    Raises:
        UsageError: a package that is not indexed, or a version that is none.
        NotFound: there is no such release.
        Unavailable: neither pip nor uv could fetch it, or the call is offline.
    """
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
        _fetch_and_build(package, version, cached)
        found = load(cached)
    return found


def installed(python: str, package: str) -> StoredRelease | None:
    """The index of `package` as installed beside the interpreter `python`; None when it is not there.

    Built from the files on first use and cached under a digest of the installation's own record of them.
    """
    for folder in _site_packages(python):
        try:
            tree = from_site_packages(folder, package)
        except FileNotFoundError:
            continue
        cached = _cache_path(package, f"{tree.version}+{_digest(folder, package)}")
        found = _load_cached(cached)
        if found is None:
            save(TreeRelease(tree), cached)
            found = load(cached)
        return found
    return None


def _cache_path(package: str, version: str) -> Path:
    return cache_dir() / "api_index" / f"v{FORMAT}" / f"{package}-{version}.json.gz"


def _load_cached(path: Path) -> StoredRelease | None:
    """A broken entry counts as none: it is built again."""
    try:
        return load(path)
    except (OSError, ValueError):
        return None


def _fetch_and_build(package: str, version: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ml-intern-") as folder:
        save(TreeRelease(_fetched(package, version, Path(folder))), target)


def _fetched(package: str, version: str, folder: Path) -> SourceTree:
    requirement = f"{package.replace('_', '-')}=={version}"
    told = []
    for command in _fetchers(requirement, folder):
        done = _run(command)
        if done.returncode == 0:
            wheels = list(folder.glob("*.whl"))
            return from_wheel(wheels[0], package) if wheels else from_site_packages(folder, package)
        told.append(done.stderr)
    _refuse(requirement, "\n".join(told))


def _refuse(requirement: str, told: str) -> NoReturn:
    if not told:
        raise Unavailable(f"neither uv nor pip is there to fetch {requirement}", hint="install uv, or python3-pip")
    if re.search(r"no matching distribution|no version of|not found in the package registry", told, re.IGNORECASE):
        raise NotFound(f"there is no release {requirement}", hint="check the number on the package's page")
    last = clean(told.strip().splitlines()[-1], limit=200)
    raise Unavailable(f"could not fetch {requirement}: {last}", hint="check the network and your index settings")


def _fetchers(requirement: str, folder: Path) -> Iterator[list[str]]:
    """Ways to get the files without dependencies. uv cannot download a wheel, but it can unpack one into a folder."""
    uv = which("uv")
    if uv:
        yield [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder), requirement]
    for python in dict.fromkeys([sys.executable, which("python3") or sys.executable]):
        if _run([python, "-c", "import pip"]).returncode == 0:
            yield [
                python,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "-d",
                str(folder),
                requirement,
            ]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {_FETCH_TIMEOUT_S} s")
    except OSError as err:
        return subprocess.CompletedProcess(command, 1, "", str(err))


def _site_packages(python: str) -> list[Path]:
    done = _run(
        [python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))"]
    )
    if done.returncode:
        raise UsageError(
            f"{clean(python, limit=200)!r} does not run as a Python", hint="give the path of the interpreter the run will use"
        )
    return [Path(line) for line in dict.fromkeys(done.stdout.split("\n")) if line]


def _digest(folder: Path, package: str) -> str:
    records = sorted(folder.glob(f"{package}-*.dist-info/RECORD"))
    text = b"".join(path.read_bytes() for path in records) or str(folder).encode()
    return hashlib.sha256(text).hexdigest()[:12]
