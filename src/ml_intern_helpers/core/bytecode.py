"""Puts compiled modules into the cache when the plugin's folder is read-only, so that start-up stays fast.

`sys.pycache_prefix` alone would move the bytecode of the standard library and of every installed package as well, and
compile all of it once more; here it is set only while a module of this package is read.
"""

from __future__ import annotations

import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from types import CodeType

from ml_intern_helpers.core.paths import cache_dir


def keep_in_cache(folder: str) -> None:
    """Read modules below `folder` (a package's parent) with their bytecode in the cache, from now on."""
    try:
        _Loader.prefix = str(cache_dir() / "bytecode")
    except RuntimeError:  # no home to have a cache in
        return

    def finder(path: str) -> FileFinder:
        if not path.startswith(folder):
            raise ImportError
        return FileFinder(path, (_Loader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    for path in [path for path in sys.path_importer_cache if path.startswith(folder)]:
        del sys.path_importer_cache[path]


class _Loader(SourceFileLoader):
    prefix = ""

    def get_code(self, fullname: str) -> CodeType | None:
        before, sys.pycache_prefix = sys.pycache_prefix, self.prefix
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before
