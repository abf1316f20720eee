"""Compares the full scan with plain DuckDB on a generated chat file: `python benchmarks/full_scan.py [--mib N] [--parquet]`.

Both count the same things, each in a process of its own, in one run, so that a busy machine slows both alike: rows,
nulls, empty turns, last turns, orders of turns, missing questions, every pattern of the checks, exact copies, orders of
speakers, lengths. `plain` is what one would write by hand: DuckDB with default settings, one query for the counts and one
each for copies, orders and lengths, every pattern an expression over the row's text, without row numbers, examples and
check digits. `no searches` leaves the patterns out: it does less work than ours and is shown for comparison. Ours is the whole
command, with its sample and verdicts. Nothing is downloaded; the file is deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

MIB = 1024 * 1024
TARGET_RATIO, TARGET_RSS_MIB = 1.5, 1024
TEXT = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so up said what
its about than into them can only other time new some could these two may first then do any like my now over
such our man me even most made after also did many model data training value function list file string number
return question answer explain write example please note message system user computer science history river
mountain garden kitchen doctor market engine winter morning letter window silver
"""
WORDS = TEXT.split()


def main() -> int:
    """Generate, run both, print the table; 1 when a target is missed."""
    args = _arguments()
    if args.plain:
        return _plain(args.plain, searches=not args.without_searches)
    with tempfile.TemporaryDirectory(prefix="full-scan-", dir=args.folder) as folder:
        path = _generated(Path(folder) / "chat.jsonl", args.mib)
        path = _as_parquet(path) if args.parquet else path
        print(f"{path.name}: {path.stat().st_size / MIB:,.0f} MiB, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        return _compared(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--mib", type=int, default=64, help="size of the chat file as JSON Lines (default 64; 2048 for the record)"
    )
    parser.add_argument("--parquet", action="store_true", help="scan it as Parquet")
    parser.add_argument("--folder", help="where the file is made (default: the temporary folder)")
    parser.add_argument("--plain", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--without-searches", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _generated(path: Path, mib: int) -> Path:
    """Write conversations of ordinary words with some copies and faults; the same size gives the same file."""
    rng = random.Random(0)
    texts = [" ".join(rng.choices(WORDS, k=rng.randrange(10, 250))) + rng.choice(".?!") for _ in range(4000)]
    size, row = 0, 0
    with path.open("w", encoding="utf-8") as out:
        while size < mib * MIB:
            turns = []
            for _ in range(rng.choice((1, 1, 2, 3))):
                turns.append({"role": "user", "content": f"{row} {rng.choice(texts)}"})
                turns.append({"role": "assistant", "content": f"{rng.choice(texts)} {rng.choice(texts)}"})
            if row % 1000 == 7:
                turns[-1]["content"] = ("", "I'm sorry, but I cannot assist with that.", "cafÃ©")[row // 1000 % 3]
            line = json.dumps({"id": row // 2 if row % 500 == 1 else row, "messages": turns}) + "\n"
            for _ in range(2 if row % 500 == 3 else 1):
                out.write(line)
                size += len(line)
            row += 1
    return path


def _as_parquet(path: Path) -> Path:
    """Run it in a process of its own: the peak memory of this process would count for the processes that it starts."""
    made = path.with_suffix(".parquet")
    copy = f"COPY (SELECT * FROM read_json('{path}')) TO '{made}' (FORMAT parquet, ROW_GROUP_SIZE 20000)"
    subprocess.run([sys.executable, "-c", f"import duckdb; duckdb.execute({copy!r})"], check=True, stdout=subprocess.DEVNULL)
    path.unlink()
    return made


def _compared(path: Path) -> int:
    ours = [sys.executable, "-m", "ml_intern_helpers", "inspect_dataset", str(path), "--full", "--json", "--rows", "0"]
    plain = [sys.executable, __file__, "--plain", str(path)]
    figures = {
        "plain DuckDB": _run(plain),
        "inspect_dataset --full": _run(ours),
        "plain DuckDB, no searches": _run([*plain, "--without-searches"]),
    }
    base = figures["plain DuckDB"][0]
    print(f"\n{'':28}{'seconds':>9}{'ratio':>8}{'peak MiB':>10}")
    for name, (seconds, peak, _) in figures.items():
        print(f"{name:28}{seconds:9.1f}{seconds / base:8.2f}{peak:10,.0f}")
    report = json.loads(figures["inspect_dataset --full"][2])
    _same_counts(json.loads(figures["plain DuckDB"][2]), report["full"])
    print(f"of ours, the scan itself: {report['full']['seconds']:.1f} s; {report['full']['rows']:,} rows")
    seconds, peak, _ = figures["inspect_dataset --full"]
    missed = [] if seconds / base <= TARGET_RATIO else [f"ratio above {TARGET_RATIO}"]
    missed += [] if peak <= TARGET_RSS_MIB else [f"more than {TARGET_RSS_MIB} MiB"]
    print("targets: " + (", ".join(missed) or f"met (ratio <= {TARGET_RATIO}, peak <= {TARGET_RSS_MIB} MiB)"))
    return 1 if missed else 0


def _run(call: list[str]) -> tuple[float, float, str]:
    """Seconds, peak resident memory in MiB, and what was printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(call, stdout=out, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        printed = out.read().decode()
    if process.returncode not in (0, 1):
        sys.exit(f"{call[1]}: exit code {process.returncode}")
    return seconds, used.ru_maxrss / (1024 if sys.platform != "darwin" else MIB), printed


def _same_counts(plain: dict[str, int], full: dict[str, object]) -> None:
    counts = {code: item["rows"] for code, item in full["counts"].items()}  # type: ignore[attr-defined]
    ours = {"rows": full["rows"], **{code: counts.get(code, 0) for code in plain if code.startswith("SET")}}
    wrong = {name: (plain[name], value) for name, value in ours.items() if plain[name] != value}
    told = ", ".join(f"{name} {value:,}" for name, value in ours.items() if value)
    print(f"\nsame counts: {wrong or 'yes'} ({told})")


def _plain(path: str, *, searches: bool) -> int:
    """The same counts by hand; prints them as JSON."""
    import duckdb

    reader = "read_parquet" if path.endswith(".parquet") else "read_json"
    rows = f"(SELECT *, {JOINED} AS whole, {ROLES} AS roles FROM {reader}('{path}'))"
    counted = {"rows": "count(*)", **{code: f"count(*) FILTER ({condition})" for code, condition in CONDITIONS.items()}}
    counted |= _pattern_counts() if searches else {}
    counted |= {"distinct_ids": "approx_count_distinct(id)", "null_ids": "count(*) - count(id)"}
    values = duckdb.sql(f"SELECT {', '.join(counted.values())} FROM {rows}").fetchall()[0]
    found = dict(zip(counted, values, strict=True))
    found["SET307"] = duckdb.sql(f"SELECT count(*) - count(DISTINCT md5(whole)) FROM {rows}").fetchall()[0][0]
    duckdb.sql(f"SELECT roles, count(*) AS n FROM {rows} GROUP BY 1 ORDER BY n DESC LIMIT 20").fetchall()
    duckdb.sql(f"SELECT quantile_disc({LENGTH}, [0, 0.5, 0.95, 0.99, 1]), histogram({LENGTH} // 500) FROM {rows}").fetchall()
    print(json.dumps(found))
    return 0


JOINED = "array_to_string(list_transform(messages, lambda m: concat(m.role, chr(31), m.content)), chr(30))"
ROLES = "array_to_string(list_transform(messages, lambda m: m.role), ' ')"
LENGTH = "list_sum(list_transform(messages, lambda m: length(m.content)))"
CONDITIONS = {
    "SET301": "len(list_filter(messages, lambda m: trim(m.content, ' \t\n\r') = '')) > 0",
    "SET302": "messages[-1].role <> 'assistant'",
    "SET308": "messages IS NULL",
    "SET309": "regexp_matches(roles, 'user user|assistant assistant|^assistant.*user')",
    "SET310": "regexp_matches(roles, '(user|assistant).*system')",
    "SET311": "len(list_filter(messages, lambda m: m.role = 'user' AND trim(m.content) <> '')) = 0",
}


def _pattern_counts() -> dict[str, str]:
    """One SQL condition per code: any of its expressions occurs in the row."""
    from ml_intern_helpers.dataset.checks import registry

    searches = [module.SEARCH for module in registry.modules() if hasattr(module, "SEARCH")]

    def anywhere(pattern: object) -> str:
        regex = pattern.regex.replace("'", "''")  # type: ignore[attr-defined]
        found = f"regexp_matches(whole, '{regex}')"
        if "^" in regex[:6]:
            found = f"len(list_filter(messages, lambda m: m.role = 'assistant' AND regexp_matches(m.content, '{regex}'))) > 0"
        unless = pattern.unless  # type: ignore[attr-defined]
        return f"({found} AND NOT regexp_matches(whole, '{unless.replace(chr(39), chr(39) * 2)}'))" if unless else found

    return {item.code: f"count(*) FILTER ({' OR '.join(map(anywhere, item.patterns))})" for item in searches}


if __name__ == "__main__":
    sys.exit(main())
