"""Measures the time before a helper starts to work: `benchmarks/startup [--rounds N]`.

Every command runs once per round, in turn, so that a busy machine slows all alike;
`over base` and `ratio` compare medians.
Nothing is downloaded: all calls are offline.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = str(ROOT / "scripts/launch")
MAIN = str(ROOT / "src/ml_intern_helpers/__main__.py")
EVENT = json.dumps({"tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": str(ROOT)}).encode()
SAMPLE, RECIPE = str(ROOT / "examples/chat.jsonl"), str(ROOT / "skills/ml-intern/recipes/sft.py")
#: A small real call of each helper, without the network.
CALLS = {
    "detect_compute": ["--offline"],
    "inspect_dataset": [SAMPLE, "--offline"],
    "crawl_arxiv": ["low-rank adaptation", "--offline"],
    "hf_paper_meta": ["2106.09685", "--offline"],
    "preflight_check": [RECIPE, "--local"],
}


@dataclass
class Case:
    """One line of a table; `base` is the name of the case it is compared with."""

    name: str
    call: list[str]
    base: str = ""
    stdin: bytes = b""
    times_ms: list[float] = field(default_factory=list)

    def run(self) -> None:
        start = time.perf_counter()
        done = subprocess.run(self.call, input=self.stdin, capture_output=True, check=False)
        self.times_ms.append((time.perf_counter() - start) * 1000)
        if done.returncode not in (0, 1, 3):
            sys.exit(f"{self.name}: exit code {done.returncode}: {done.stderr.decode(errors='replace')}")

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)


def wrapper(command: str) -> str:
    return str(ROOT / f"skills/ml-intern/scripts/{command}.sh")


def python_of_launch() -> str:
    """The Python that launch remembered for what needs no environment."""
    subprocess.run([LAUNCH, "mcp_headers"], capture_output=True, check=True)
    return (Path(sys.prefix).parent / "python").read_text().strip()


def overhead_cases() -> list[Case]:
    """The same program started by its Python alone, by launch, and by the wrapper."""
    plain = [python_of_launch(), "-I", "-S", "-X", "utf8", MAIN]
    built = [sys.executable, "-I", "-X", "utf8", MAIN]
    return [
        Case("python -c pass", [plain[0], "-I", "-S", "-c", "pass"]),
        Case("guard hook (bare)", [*plain, "guard", "pre_tool_use"], stdin=EVENT),
        Case("guard hook (launch)", [LAUNCH, "guard", "pre_tool_use"], "guard hook (bare)", EVENT),
        Case("preflight_check --version (bare)", [*plain, "preflight_check", "--version"]),
        Case(
            "preflight_check --version (wrapper)", [wrapper("preflight_check"), "--version"], "preflight_check --version (bare)"
        ),
        Case("crawl_arxiv --version (bare)", [*built, "crawl_arxiv", "--version"]),
        Case("crawl_arxiv --version (wrapper)", [wrapper("crawl_arxiv"), "--version"], "crawl_arxiv --version (bare)"),
    ]


def startup_cases() -> list[Case]:
    """Each helper through its wrapper, compared with a Python that does nothing."""
    return [
        Case(f"{command} {label}", [wrapper(command), *arguments], "python -c pass")
        for command, call in CALLS.items()
        for label, arguments in (("--help", ["--help"]), (" ".join(Path(word).name for word in call), call))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each command runs (default 15)")
    rounds = parser.parse_args().rounds
    cases = [*overhead_cases(), *startup_cases()]
    for case in cases:
        case.run()  # once for the file system's cache and for bytecode
        case.times_ms.clear()
    for _ in range(rounds):
        for case in cases:
            case.run()
    by_name = {case.name: case for case in cases}
    print(f"{str(rounds) + ' runs each':52} {'median':>9} {'best':>9} {'over base':>10} {'ratio':>6}  base")
    for case in cases:
        base = by_name.get(case.base)
        than = f"{case.median_ms - base.median_ms:7.1f} ms {case.median_ms / base.median_ms:6.2f}  {base.name}" if base else ""
        print(f"{case.name:52} {case.median_ms:6.1f} ms {min(case.times_ms):6.1f} ms {than}".rstrip())


if __name__ == "__main__":
    main()
