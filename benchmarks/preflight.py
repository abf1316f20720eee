#!/usr/bin/env python3
"""Compares preflight_check with pyright and mypy on the same scripts: the faults found, the false alarms, and the time.

    benchmarks/preflight.py --site SITE_PACKAGES [--each N] [--pyright COMMAND] [--mypy COMMAND]

SITE_PACKAGES holds the libraries at the shipped releases (a training environment's); the type checkers read them there. A checker
that is not given is left out. Scripts come from tests/preflight/faults: each has one fault, or looks like one but is correct.

The type checkers get all scripts in one run; the figure for one script is a run of its own. mypy first gets one file that only
imports the libraries: that fills its cache, as in an existing project, and is reported separately. It runs with
`--follow-imports=silent` (the default would also report what is wrong inside the libraries) and `--check-untyped-defs` (scripts
have no annotations). preflight_check is started once per script. Runs longer than LIMIT_S are stopped and reported as such.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from preflight.faults.kinds import KINDS  # noqa: E402
from preflight.faults.lookalikes import LOOKALIKES  # noqa: E402
from preflight.faults.measure import Case, cases, codes  # noqa: E402

Lines = dict[str, set[int]]
SEED, LONG, LIMIT_S = 20261123, 300, 900
#: The libraries that the scripts are about.
IMPORTS = "import accelerate, datasets, huggingface_hub, peft, trackio, transformers, trl\n"
MYPY_LINE = re.compile(r"([^:\n]+\.py):(\d+): error: ")


class Row(NamedTuple):
    """One checker: lines it reports by script (None: stopped), seconds for all scripts, seconds for one script."""

    tool: str
    lines: Lines | None
    all_s: float
    one_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_PACKAGES")
    parser.add_argument("--each", type=int, default=3, metavar="N", help="scripts of every kind (3)")
    parser.add_argument("--pyright", metavar="COMMAND")
    parser.add_argument("--mypy", metavar="COMMAND")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_cases(folder, args.each)
        rows = [ours(folder, made)]
        for tool, command, read in (("pyright", args.pyright, pyright), ("mypy", args.mypy, mypy)):
            if command:
                rows.append(checker(tool, shlex.split(command), folder, args.site, read))
        report(rows, made)
        wall_s, cpu_s = whole_process(folder)
        print(
            f"\nwhole process, {LONG} lines, shipped releases: {wall_s * 1000:.0f} ms ({cpu_s * 1000:.0f} ms CPU), medians of 21"
        )
    return 0


def write_cases(folder: Path, each: int) -> dict[str, Case]:
    """File name -> case."""
    made = {f"case_{number:04}.py": case for number, case in enumerate(cases(SEED, each))}
    for name, case in made.items():
        (folder / name).write_text(case.text, encoding="utf-8")
    return made


def preflight(script: Path) -> list[dict[str, object]]:
    """The findings, from a Python started as `scripts/launch` starts it."""
    main = ROOT / "src/ml_intern_helpers/__main__.py"
    command = [sys.executable, "-I", "-S", "-X", "utf8", main, "preflight_check", script, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, object]] = json.loads(done.stdout)["findings"]
    return found


def ours(folder: Path, made: dict[str, Case]) -> Row:
    """A process for each script, as a user starts it."""
    lines, seconds = {}, []
    for name in made:
        start = time.perf_counter()
        found = preflight(folder / name)
        seconds.append(time.perf_counter() - start)
        lines[name] = {one["line"] for one in found if one["code"] in codes() and isinstance(one["line"], int)}
    return Row("preflight_check", lines, sum(seconds), statistics.median(seconds))  # type: ignore[arg-type]


def checker(
    tool: str, command: list[str], folder: Path, site: Path, read: Callable[[list[str], Path, list[Path], Path], Lines]
) -> Row:
    """All scripts in one run, in which a type checker is fastest; then one alone."""
    scripts = sorted(folder.glob("case_*.py"))
    if read is mypy:
        first = folder / "first.py"
        first.write_text(IMPORTS, encoding="utf-8")
        _, first_s = timed(lambda: read(command, folder, [first], site))
        print(f"{tool}: the libraries alone, from nothing, in {first_s:.0f} s", file=sys.stderr, flush=True)
    lines, all_s = timed(lambda: read(command, folder, scripts, site))
    print(f"{tool}: all scripts in {all_s:.0f} s", file=sys.stderr, flush=True)
    _, one_s = timed(lambda: read(command, folder, scripts[:1], site))
    return Row(tool, lines, all_s, one_s)


def timed(work: Callable[[], Lines]) -> tuple[Lines | None, float]:
    """The findings (None when it was stopped) and the seconds it took."""
    start = time.perf_counter()
    try:
        return work(), time.perf_counter() - start
    except subprocess.TimeoutExpired:
        return None, time.perf_counter() - start


def pyright(command: list[str], folder: Path, scripts: list[Path], site: Path) -> Lines:
    config = {"include": [script.name for script in scripts], "extraPaths": [str(site)], "reportMissingImports": "error"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run([*command, "--outputjson"], cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    found: Lines = {}
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        if one["severity"] == "error" and "mylib" not in one["message"]:  # a library made up for the look-alikes
            found.setdefault(Path(one["file"]).name, set()).add(one["range"]["start"]["line"] + 1)
    return found


def mypy(command: list[str], folder: Path, scripts: list[Path], site: Path) -> Lines:
    options = ["--cache-dir", ".cache", "--follow-imports=silent", "--ignore-missing-imports", "--no-error-summary"]
    options += ["--check-untyped-defs", "--scripts-are-modules"]
    python = site.parents[2] / "bin/python"
    where = ["--python-executable", str(python)] if python.exists() else []
    environment = os.environ if python.exists() else {**os.environ, "MYPYPATH": str(site)}
    call = [*command, *options, *where, *(script.name for script in scripts)]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    found: Lines = {}
    for file, line in MYPY_LINE.findall(done.stdout):
        found.setdefault(file, set()).add(int(line))
    return found


def report(rows: list[Row], made: dict[str, Case]) -> None:
    """Print the table; times are also shown as multiples of preflight_check's."""
    faulty = {name: case for name, case in made.items() if case.code}
    harmless = made.keys() - faulty.keys()
    places = {name: places_of(case) for name, case in faulty.items()}
    print(f"{len(faulty)} scripts with one fault ({len(KINDS)} kinds), {len(harmless)} without ({len(LOOKALIKES)} kinds)\n")
    print("| | faults found | other lines called wrong beside it | right scripts called wrong | one script | all |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        if row.lines is None:
            print(f"| {row.tool} | stopped | | | | over {LIMIT_S} s |")
            continue
        hits = sum(bool(places[name] & row.lines.get(name, set())) for name in faulty)
        beside = sum(len(row.lines.get(name, set()) - places[name]) for name in faulty)
        false = sum(bool(row.lines.get(name)) for name in harmless)
        times = f"{row.one_s:.2f} s ({row.one_s / rows[0].one_s:.1f}x) | {row.all_s:.0f} s ({row.all_s / rows[0].all_s:.1f}x)"
        print(f"| {row.tool} | {hits} ({hits / len(faulty):.1%}) | {beside} | {false} of {len(harmless)} | {times} |")
        left = {case.name for name, case in faulty.items() if not places[name] & row.lines.get(name, set())}
        missed = sorted({name.rpartition(" ")[0] for name in left})
        if missed:
            print(f"<!-- {row.tool} misses: {', '.join(missed)} -->")


def places_of(case: Case) -> set[int]:
    """The lines on which a fault counts as found: its own, and the first line of the surrounding call, where mypy reports."""
    around = [
        node for node in ast.walk(ast.parse(case.text))
        if isinstance(node, ast.Call) and node.lineno <= case.line <= (node.end_lineno or node.lineno)
    ]  # fmt: skip
    inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or node.lineno)), default=None)
    return {case.line} | ({inner.lineno} if inner else set())


def whole_process(folder: Path) -> tuple[float, float]:
    """Seconds from start to end, and seconds of CPU, on a clean script of 300 lines: medians."""
    case = next(case for case in cases(SEED, 1) if case.name.startswith("as_it_should_be"))
    text = case.text
    while text.count("\n") < LONG:
        number = text.count("\n")
        text += f"def helper_{number}(rows):\n    total = sum(len(row) for row in rows)\n    return total + {number}\n"
    script = folder / "long.py"
    script.write_text(text, encoding="utf-8")
    wall, cpu = [], []
    for _ in range(21):
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        preflight(script)
        wall.append(time.perf_counter() - start)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return statistics.median(wall), statistics.median(cpu)


if __name__ == "__main__":
    sys.exit(main())
