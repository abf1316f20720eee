"""Stores our bytecode in the cache folder when the plugin's folder is read-only, so that start-up stays fast.

A global `sys.pycache_prefix` would also apply to the standard library and all installed packages, and recompile them; here it is
set only while a module of this package is loaded.
"""

from __future__ import annotations

import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from types import CodeType

from ml_intern_helpers.core.paths import cache_dir


def keep_in_cache(folder: str) -> None:
    """From now on, keep the bytecode of modules below `folder` (a package's parent) in the cache."""
    try:
        _Loader.prefix = str(cache_dir() / "bytecode")
    except RuntimeError:  # the cache folder cannot be determined
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
