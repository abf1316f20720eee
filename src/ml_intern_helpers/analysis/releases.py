"""Determines which release of each indexed library the script will use, from which source, and what it offers."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.header import Header
from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.requirements import Requirement, normal_name, parse_requirement, project_demands
from ml_intern_helpers.core.cpu_limit import off_the_clock
from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.indexes.libraries import PACKAGES, shipped, shipped_versions
from ml_intern_helpers.indexes.packages import NEEDS
from ml_intern_helpers.indexes.signatures import ClassRecord, Library, Release, Signature


class Choice(NamedTuple):
    """The release of one library.

    Attributes:
        package: the import name.
        version: the version; None when no single release can be determined.
        source: `shipped`, `script block`, `--with`, `--python`, or the name of the file that determines it.
        why: the reason for the choice, in one clause.
        release: the index of the release; None when there is none, for the reason in `why`.
    """

    package: str
    version: str | None
    source: str
    why: str
    release: Release | None = None

    @property
    def label(self) -> str:
        return f"{self.package} {self.version}" if self.version else self.package


class Demand(NamedTuple):
    """A requirement and its source."""

    requirement: Requirement
    source: str

    @property
    def text(self) -> str:
        return f"{self.requirement.text} ({self.source})"


class Releases:
    """Chooses the release of a library on first use: a script that imports only `trl` never loads `peft`."""

    def __init__(self, path: Path, header: Header, options: Options = DEFAULT_OPTIONS) -> None:
        self.path, self.header, self.options = path, header, options
        self._chosen: dict[str, Choice] = {}

    def choice(self, package: str) -> Choice:
        """The choice for one of `PACKAGES`."""
        if package not in self._chosen:
            self._chosen[package] = self._demanded(package) if self.options.python is None else self._installed(package)
        return self._chosen[package]

    def release(self, package: str) -> Release | None:
        return self.choice(package).release if package in PACKAGES else None

    @property
    def chosen(self) -> list[Choice]:
        """The choices made so far, in the order of `PACKAGES`."""
        return [self._chosen[package] for package in PACKAGES if package in self._chosen]

    def is_current(self, package: str) -> bool:
        """Whether the run will use the shipped release of `package`."""
        return self.choice(package).version == shipped_versions()[package]

    @cached_property
    def demands(self) -> list[Demand]:
        """Every requirement of the run: those of the launch, and those of the script block or else of the project."""
        from_launch = [parsed for text in self.options.with_ if (parsed := parse_requirement(text))]
        demands = [Demand(requirement, "--with") for requirement in from_launch]
        if self.header.line is not None:
            return demands + [Demand(requirement, "script block") for requirement in self.header.requirements]
        return demands + [Demand(*row) for row in (project_demands(self.path) if self.options.project else ())]

    def _installed(self, package: str) -> Choice:
        from ml_intern_helpers.indexes.libraries import installed

        python = str(self.options.python)
        self.options.progress(f"reading {package} beside {python} …")
        try:
            with off_the_clock():
                index = installed(python, package)
        except UsageError:  # `python` does not run at all, which concerns every package
            raise
        except ToolError as err:
            return Choice(package, None, "--python", str(err))
        if index is None:
            return Choice(package, None, "--python", f"it is not installed beside {python}")
        return Choice(package, index.version, "--python", f"installed beside {python}", index)

    def _demanded(self, package: str) -> Choice:
        demands = [demand for demand in self.demands if demand.requirement.name == normal_name(package)]
        current = shipped_versions()[package]
        exact = next((demand for demand in demands if demand.requirement.exact), None)
        if exact and exact.requirement.exact != current:
            return self._fetched(package, str(exact.requirement.exact), exact)
        if any(demand.requirement.url for demand in demands):
            return Choice(package, None, demands[0].source, f"{demands[0].text} does not name a release")
        refusing = next((demand for demand in demands if not demand.requirement.admits(current)), None)
        if refusing:
            why = f"{refusing.text} excludes {current} and names no release: pin one with =="
            return Choice(package, None, refusing.source, why)
        if demands:
            return Choice(package, current, demands[0].source, f"{demands[0].text} admits the current release", shipped(package))
        for demand in self.demands:
            others = [other for other in PACKAGES if other != package and demand.requirement.name == normal_name(other)]
            if any(_holds_back(demand.requirement, other, package) for other in others):
                return Choice(package, None, demand.source, f"{demand.text} may hold {package} back: pin {package}, too")
        return Choice(package, current, "shipped", "nothing pins it: the current release", shipped(package))

    def _fetched(self, package: str, version: str, demand: Demand) -> Choice:
        from ml_intern_helpers.indexes.libraries import release

        if not self.options.offline:
            self.options.progress(f"reading {package} {version} …")
        try:
            with off_the_clock():
                index = release(package, version, offline=self.options.offline, timeout_s=self.options.timeout_s)
        except ToolError as err:
            return Choice(package, version, demand.source, f"{demand.text}: {err}")
        return Choice(package, version, demand.source, f"pinned: {demand.text}", index)


def _holds_back(wanted: Requirement, other: str, package: str) -> bool:
    """Whether `wanted` requires a release of `other` that is not current and may cap `package` or be too old for it."""
    if wanted.url or wanted.admits(shipped_versions()[other]):
        return False
    if package in NEEDS[other]:
        return True
    needed = parse_requirement(f"{other}{NEEDS[package].get(other, '')}")
    if other not in NEEDS[package] or needed is None:
        return False
    return not (wanted.exact and needed.admits(wanted.exact))


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
