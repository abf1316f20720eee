"""Looks up what the releases of one run offer: names, classes, methods and signatures."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.releases import Releases
from ml_intern_helpers.analysis.requirements import parse_requirement
from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.indexes.records import ClassRecord
from ml_intern_helpers.indexes.signatures import Library, Release, Signature

#: Modules that create names on access (`__getattr__`): a name that the index does not list there may exist.
_DYNAMIC = ("transformers.pipelines", "transformers.distributed.tensor_parallel", "peft.tuners.", "huggingface_hub.utils")


class Walked(NamedTuple):
    """How far a dotted name can be followed.

    Attributes:
        state: `found`, `missing` (`name` does not exist), `doubt` (uncertain), or `foreign` (not in an indexed library).
        name: the part that was followed, including a missing name.
        origin: `module:name` or a module, when `found`.
        rest: the parts after a class, function or object.
    """

    state: Literal["found", "missing", "doubt", "foreign"]
    name: str
    origin: str = ""
    rest: tuple[str, ...] = ()


class Offers(Library):
    """The releases of one run, each loaded on first use."""

    def __init__(self, releases: Releases) -> None:
        super().__init__()
        self.chosen = releases
        self.releases = _OnDemand(releases)
        # A script may use one class a thousand times.
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
            name, holder = ".".join(parts[: at + 1]), current
            if ":" in holder:
                return Walked("found", ".".join(parts[:at]), holder, tuple(parts[at:]))
            release = self.release_of(holder)
            if release is None:
                return Walked("doubt", name)
            target = release.names(holder).get(part)
            if target is not None:
                current = self.follow(target)
            elif release.has_module(f"{holder}.{part}"):
                current = f"{holder}.{part}"
            else:
                special = part.startswith("__") or holder.startswith(_DYNAMIC)
                may_hold = special or (release.has_module(holder) and release.may_hold(holder, part))
                return Walked("doubt" if may_hold else "missing", name)
        return Walked("found", dotted, current)

    def offers_name(self, module: str, name: str) -> bool | None:
        """Whether `from module import *` imports `name`; None when the module is not indexed."""
        walked = self.walk(module)
        release = self.release_of(walked.origin) if walked.state == "found" and ":" not in walked.origin else None
        return None if release is None or name.startswith("_") else name in release.names(walked.origin)

    def is_class(self, origin: str) -> bool:
        return isinstance(self.record(origin), ClassRecord)

    def _call_of(self, origin: str) -> Signature | None:
        """The signature of an origin; None when the index does not know it for certain.

        It is certain for a function, a class whose constructor it or an ancestor defines, and a dataclass with known bases.
        It is not for enumerations, named tuples and classes that only define `__new__`.
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
        """The release that defines an origin, as `trl 1.16.0`."""
        release = self.release_of(origin)
        return f"{release.package} {release.version}" if release else _package(origin)

    def is_current(self, origin: str) -> bool:
        """Whether the run uses the shipped release of the origin's library, so that the removal history applies."""
        package = _package(origin)
        return package in PACKAGES and self.chosen.is_current(package)

    def is_at_least(self, origin: str, version: str) -> bool:
        """Whether the run's release of the origin's library is `version` or newer."""
        package = _package(origin)
        wanted = parse_requirement(f"{package}>={version}")
        have = self.chosen.choice(package).version if package in PACKAGES else None
        return wanted is not None and have is not None and wanted.admits(have)


def _package(origin: str) -> str:
    return origin.partition(":")[0].partition(".")[0]


class _OnDemand(dict[str, Release]):
    """Releases by package, loaded when first looked up."""

    def __init__(self, chosen: Releases) -> None:
        super().__init__()
        self._chosen = chosen

    def get(self, package: str, default: Release | None = None) -> Release | None:  # type: ignore[override]
        if package not in self and (loaded := self._chosen.release(package)) is not None:
            self[package] = loaded
        return super().get(package, default)
