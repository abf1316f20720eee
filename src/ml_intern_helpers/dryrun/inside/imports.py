"""Calls a function as soon as a module has been imported, before anything else can take names from it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Patch = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    def __init__(self, patches: dict[str, Patch]) -> None:
        self.patches, self.busy = patches, set[str]()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.patches or name in self.busy:
            return None
        self.busy.add(name)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, self.patches[name])
                return spec
        return None


class _Loader(Loader):
    """The module's own loader, followed by the patch."""

    def __init__(self, loader: Any, patch: Patch) -> None:
        self.loader, self.patch = loader, patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self.loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        self.patch(module)


def after_import(patches: dict[str, Patch]) -> None:
    """Apply each patch to its module when the script, or a library, imports it; at once where that has happened already."""
    for name, patch in patches.items():
        if name in sys.modules:
            _patch_late(sys.modules[name], patch)
    sys.meta_path.insert(0, _Finder(patches))


def _patch_late(module: ModuleType, patch: Patch) -> None:
    """Patch a module from which others have taken names already, and give them the new ones."""
    before = dict(vars(module))
    patch(module)
    changed = {name: value for name, value in before.items() if getattr(module, name, None) is not value}
    for other in [each for each in list(sys.modules.values()) if each is not None and each is not module]:
        names = vars(other)
        for name, value in changed.items():
            if names.get(name) is value:
                setattr(other, name, getattr(module, name))
