"""What the releases that the script meets offer: names, classes, methods and signatures, looked up in the index."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.releases import Releases
from ml_intern_helpers.analysis.requirements import parse_requirement
from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.indexes.records import ClassRecord
from ml_intern_helpers.indexes.signatures import Library, Release, Signature

#: Modules that make names up when asked (`__getattr__`): what the index does not list there may exist.
_DYNAMIC = ("transformers.pipelines", "transformers.distributed.tensor_parallel", "peft.tuners.", "huggingface_hub.utils")


class Walked(NamedTuple):
    """How far a dotted name can be followed.

    Attributes:
        state: `found`; `missing` (`name` does not exist); `doubt`; `foreign` (of no indexed library).
        name: the part that was walked, the missing name included.
        origin: `module:name` or a module, with `found`.
        rest: what follows a class, function or object.
    """

    state: Literal["found", "missing", "doubt", "foreign"]
    name: str
    origin: str = ""
    rest: tuple[str, ...] = ()


class Offers(Library):
    """The releases of one run, each loaded when a question first needs it."""

    def __init__(self, releases: Releases) -> None:
        super().__init__()
        self.chosen = releases
        self.releases = _OnDemand(releases)
        # A script may build one class a thousand times.
        self.walk = cache(self._walk)
        self.call_of = cache(self._call_of)
        self.called_method = cache(self.method)
        self.shown_name = cache(self.public_name)

    def _walk(self, dotted: str) -> Walked:
        """Follow `trl.experimental.orpo.ORPOTrainer` from name to name."""
        parts = dotted.split(".")
        current = parts[0]
        if current not in PACKAGES:
            return Walked("foreign", dotted)
        for at, part in enumerate(parts[1:], start=1):
            name, here = ".".join(parts[: at + 1]), current
            if ":" in here:
                return Walked("found", ".".join(parts[:at]), here, tuple(parts[at:]))
            release = self.release_of(here)
            if release is None:
                return Walked("doubt", name)
            target = release.names(here).get(part)
            if target is not None:
                current = self.follow(target)
            elif release.has_module(f"{here}.{part}"):
                current = f"{here}.{part}"
            else:
                special = part.startswith("__") or here.startswith(_DYNAMIC)
                may_hold = special or (release.has_module(here) and release.may_hold(here, part))
                return Walked("doubt" if may_hold else "missing", name)
        return Walked("found", dotted, current)

    def offers_name(self, module: str, name: str) -> bool | None:
        """Whether `from module import *` brings `name`; None when the module is not indexed."""
        walked = self.walk(module)
        release = self.release_of(walked.origin) if walked.state == "found" and ":" not in walked.origin else None
        return None if release is None or name.startswith("_") else name in release.names(walked.origin)

    def is_class(self, origin: str) -> bool:
        return isinstance(self.record(origin), ClassRecord)

    def _call_of(self, origin: str) -> Signature | None:
        """The signature behind an origin; None for what the index does not know for certain.

        Certain are a function, a class with a constructor it or an ancestor writes, and a dataclass whose every base is known.
        Enumerations, named tuples and classes made by `__new__` alone have none of these.
        """
        record = self.record(origin)
        if isinstance(record, ClassRecord):
            for _, ancestor in self.line(origin):
                if ancestor.init is not None:
                    return self.signature(origin)
                if any(self.record(self.follow(base)) is None for base in ancestor.bases):
                    return None
        certain = record.is_dataclass if isinstance(record, ClassRecord) else record is not None
        return self.signature(origin) if certain else None

    def label(self, origin: str) -> str:
        """`trl 1.16.0`: the release that an origin lies in."""
        release = self.release_of(origin)
        return f"{release.package} {release.version}" if release else _package(origin)

    def is_current(self, origin: str) -> bool:
        """The origin lies in the shipped release: what the history of releases says applies."""
        package = _package(origin)
        return package in PACKAGES and self.chosen.is_current(package)

    def is_at_least(self, origin: str, version: str) -> bool:
        """The release that the run has of the origin's library is `version` or newer."""
        package = _package(origin)
        wanted = parse_requirement(f"{package}>={version}")
        have = self.chosen.choice(package).version if package in PACKAGES else None
        return wanted is not None and have is not None and wanted.admits(have)


def _package(origin: str) -> str:
    return origin.partition(":")[0].partition(".")[0]


class _OnDemand(dict[str, Release]):
    """Releases by package; asking for one loads it."""

    def __init__(self, chosen: Releases) -> None:
        super().__init__()
        self._chosen = chosen

    def get(self, package: str, default: Release | None = None) -> Release | None:  # type: ignore[override]
        if package not in self and (found := self._chosen.release(package)) is not None:
            self[package] = found
        return super().get(package, default)
