"""Runs the quickstart for scripts/quickstart, which holds its `--help`: eight steps, then a report."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from folder import Failure, RunFolder, reserve
from steps import STEPS, Results, Screen
from summary import report, screen_lines

#: Bounds of --steps. Up to 200 steps, the recipe logs every step, which the progress display counts.
LEAST, MOST = 8, 200


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quickstart", add_help=False, allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("ml-intern-quickstart"))
    parser.add_argument("--steps", type=_steps, default=100)
    return parser.parse_args(argv)


def _steps(text: str) -> int:
    value = int(text)
    if not LEAST <= value <= MOST:
        raise argparse.ArgumentTypeError(f"must be {LEAST} to {MOST}")
    return value


def run(folder: RunFolder, max_steps: int) -> None:
    """Run all steps and write the report; only then is the run marked as finished."""
    started = time.monotonic()
    results, screen = Results(folder, max_steps), Screen(len(STEPS))
    for title, step in STEPS:
        with screen.step(title):
            step(results, screen)
    folder.report.write_text(report(results), encoding="utf-8")
    folder.finish()
    screen.plain("\n" + screen_lines(results, time.monotonic() - started))


def main() -> int:
    args = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, so that the folder is cleaned up
    folder = None
    try:
        folder = reserve(args.out.expanduser().absolute())
        run(folder, args.steps)
    except Failure as failure:
        return _failed(failure, folder)
    except (KeyboardInterrupt, SystemExit) as stop:
        if folder:
            folder.discard()
        print("\nquickstart: stopped; nothing of this run was kept", file=sys.stderr)
        return stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 130
    except OSError as err:
        return _failed(Failure(f"{err.strerror or err}: {err.filename or args.out}", _room(args.out)), folder)
    return 0


def _failed(failure: Failure, folder: RunFolder | None) -> int:
    log_path = folder.discard(failure.log) if folder else None
    print(f"quickstart: {failure.message}", file=sys.stderr)
    hint = failure.hint if not log_path else f"{failure.hint + '; ' if failure.hint else ''}its output is in {log_path}"
    if hint:
        print(f"  next: {hint}", file=sys.stderr)
    return failure.code


def _room(out: Path) -> str:
    existing = next((folder for folder in (out, *out.absolute().parents) if folder.exists()), Path("/"))
    return f"{shutil.disk_usage(existing).free / 1e9:.1f} GB are free there; try another folder with --out DIR"


if __name__ == "__main__":
    sys.exit(main())
