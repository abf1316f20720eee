"""`python -m ml_intern_helpers COMMAND …`, also started by path (`scripts/launch` does, isolated by -I).

Kept to syntax that Python 3.6 reads, so that an old interpreter gets a sentence and not a traceback.
"""

import gc
import os
import sys

#: Started by the Claude Code client and by `scripts/launch`, not by people: they bypass `cli`, whose imports cost start-up.
#: Each has `main(argv) -> exit code` and runs on the standard library alone.
PROGRAMS = {
    "environment": "ml_intern_helpers.environment.main",
    "guard": "ml_intern_helpers.guard.hook",
    "mcp_headers": "ml_intern_helpers.guard.mcp_headers",
}


def main():
    # type: () -> int
    """Run the command named first."""
    if sys.version_info < (3, 11):
        sys.stderr.write("ml-intern needs Python 3.11 or newer; this is %s at %s\n" % (sys.version.split()[0], sys.executable))
        sys.stderr.write("  next: install one, or set ML_INTERN_PYTHON to its path\n")
        return 3
    _make_importable()
    code = _run()
    gc.freeze()  # the process ends: a last search for garbage would go through all that it holds
    return code


def _run():
    # type: () -> int
    if sys.argv[1:2] and sys.argv[1] in PROGRAMS:
        import importlib

        return int(importlib.import_module(PROGRAMS[sys.argv[1]]).main(sys.argv[2:]))
    from ml_intern_helpers.cli import commands

    if len(sys.argv) < 2 or sys.argv[1] not in commands.COMMANDS:
        sys.stderr.write("usage: python -m ml_intern_helpers COMMAND [ARGUMENTS]\n  commands: %s\n" % " ".join(commands.COMMANDS))
        return 2
    return commands.main(sys.argv[1], sys.argv[2:])


def _make_importable():
    # type: () -> None
    """Started by path under -I, nothing has put the package's parent on sys.path."""
    if "ml_intern_helpers" in sys.modules:
        return
    package = os.path.dirname(os.path.abspath(__file__))
    if os.path.dirname(package) not in sys.path:
        sys.path.insert(0, os.path.dirname(package))
    if not os.access(package, os.W_OK):
        from ml_intern_helpers.core import bytecode

        bytecode.keep_in_cache(os.path.dirname(package))


if __name__ == "__main__":
    sys.exit(main())
