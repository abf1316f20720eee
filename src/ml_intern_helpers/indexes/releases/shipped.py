"""The releases whose indexes ship with the package: those the training environment is pinned to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ml_intern_helpers.indexes.releases.stored_release import StoredRelease, load
from ml_intern_helpers.indexes.signatures import Library

#: The packages that are indexed, as they are imported; each is distributed under the same name (`-` for `_`).
PACKAGES = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")
DATA = Path(__file__).parents[1] / "data"
SUFFIX = ".index"


@cache
def shipped_versions() -> dict[str, str]:
    """Package -> the release whose index ships; the file names are the one place that says so at run time."""
    names = sorted(path.stem for path in DATA.iterdir() if path.suffix == SUFFIX and "-" in path.stem)
    return dict(name.rsplit("-", 1) for name in names)


@cache
def shipped(package: str) -> StoredRelease:
    """The shipped index of `package`."""
    return load(DATA / f"{package}-{shipped_versions()[package]}{SUFFIX}")


def shipped_library(*packages: str) -> Library:
    """The shipped releases, together (of all packages, or of those named)."""
    return Library(*(shipped(package) for package in packages or PACKAGES))
