"""Determines which release of each indexed library the script will use, from which source, and loads its index."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.analysis.header import Header
from ml_intern_helpers.analysis.options import DEFAULT_OPTIONS, Options
from ml_intern_helpers.analysis.requirements import Requirement, normal_name, parse_requirement, project_demands
from ml_intern_helpers.core.cpu_limit import off_the_clock
from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.indexes.libraries import PACKAGES, shipped, shipped_versions
from ml_intern_helpers.indexes.packages import NEEDS

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.signatures import Release


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
