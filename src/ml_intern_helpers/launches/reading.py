"""Files that a command line names, read by their kind alone: whoever writes the line must not get another file quoted.

A launch may be judged without anybody being asked. So a configuration must end like one, a script like one, also behind
a link; and values out of a variables file are never known, only their names.
"""

from __future__ import annotations

import stat
from pathlib import Path

PYTHON = (".py",)
SHELL = (".sh", ".bash", ".slurm", ".sbatch")
MAKE = ("Makefile", "makefile", ".mk")
YAML = (".yaml", ".yml")
VARIABLES = (".env",)
_MOST_BYTES = 64 * 1024


def text_of_file(path: Path | None, kinds: tuple[str, ...]) -> str | None:
    """The text of a regular file that ends in one of `kinds`, links resolved; None when there is none to read."""
    try:
        real = path.resolve() if path is not None else None
        if real is None or not real.name.endswith(kinds) or not stat.S_ISREG(real.stat().st_mode):
            return None
        with real.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        return data.decode("utf-8") if len(data) <= _MOST_BYTES else None
    except (OSError, ValueError, RuntimeError):
        return None
