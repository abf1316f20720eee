"""Measures repeated commands about papers: `benchmarks/papers [--rounds N] [--page FILE]`.

A loopback service answers each request once and is then stopped. The same commands run again in every round, as whole processes
in turn with a Python that does nothing. CPU time is the user and system time of the process: on a busy machine it is more
reliable than the wall time, which is printed as well.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.citation_world import World  # noqa: E402
from support.helpers import clean_environment  # noqa: E402
from support.loopback import Answer, Loopback  # noqa: E402
from support.papers import entry, feed, hub_paper, s2_paper, three, urls  # noqa: E402

COMMAND = [sys.executable, "-I", "-X", "utf8", str(ROOT / "src/ml_intern_helpers/__main__.py"), "crawl_arxiv"]
PAPER = "1810.04805"
_SENTENCES = (
    "We fine-tune the model with a learning rate of 2e-5 and a batch size of 32 for 3 epochs on SQuAD. "
    "All experiments use AdamW with a weight decay of 0.01, warm-up over 10 % of the steps and 8 A100 GPUs. "
    "Related work trains with other objectives, and we compare with it in Section 4; the results are in Table 2. "
)


@dataclass
class Case:
    """One line of the table; times in milliseconds."""

    name: str
    call: list[str]
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    first_cpu_ms: float = 0.0

    def forget(self) -> None:
        """Keep only the first measurement, in which everything was requested and parsed."""
        self.first_cpu_ms = self.cpu_ms[0]
        self.cpu_ms, self.wall_ms = [], []

    def run(self, environment: dict[str, str]) -> None:
        """Run one whole process and discard its answer."""
        began = time.perf_counter()
        process = subprocess.Popen(self.call, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read() if process.stderr else b""
        _, status, used = os.wait4(process.pid, 0)
        self.wall_ms.append((time.perf_counter() - began) * 1000)
        self.cpu_ms.append((used.ru_utime + used.ru_stime) * 1000)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{self.name}: exit code {process.returncode}: {said.decode(errors='replace')}")


def long_page() -> bytes:
    """A paper of about 270 KB in the form of arXiv's HTML."""
    paragraphs = f"<div class='ltx_para'><p class='ltx_p'>{_SENTENCES * 3}</p></div>" * 12
    sections = "".join(
        f"<section class='ltx_section' id='S{n}'><h2 class='ltx_title'><span class='ltx_tag'>{n} </span>Part {n}</h2>"
        f"{paragraphs}</section>"
        for n in range(1, 25)
    )
    title = "<h1 class='ltx_title ltx_title_document'>A long paper</h1>"
    return f"<html><body><article class='ltx_document'>{title}{sections}</article></body></html>".encode()


def serve(service: Loopback, world: World, page: bytes) -> None:
    """The answers to all requests of the commands below."""
    rows = [entry(f"2401.{n:05d}v1", f"Preference optimization {n}", summary="We align models. " * 70) for n in range(50)]
    pages = [hub_paper(id=f"2401.{n:05d}") for n in range(20)]
    world.serve(service)
    three(service, arxiv=feed(*rows), pages=pages, scholar=[s2_paper(f"Preference {n}") for n in range(50)])
    service.routes |= {"/html/": Answer(page, headers={"content-type": "text/html"}), "/api/papers/": Answer(hub_paper())}
    service.routes |= {"/api/models": Answer([]), "/api/datasets": Answer([])}


def cases(world: World) -> list[Case]:
    """The commands; notes are read offline, as everything could be."""
    asked = {
        "search": ["preference optimization"],
        "details of an id": ["2401.00001"],
        "--read, one section": ["read", PAPER, "--section", "3"],
        "--find in a paper": ["read", PAPER, "--find", "learning rate"],
        "--recipe": ["recipe", PAPER],
        "--graph, 200 papers": ["graph", world.seed_id, "--budget", "24"],
        "--notes --offline": ["notes", "beta", "--offline"],
    }
    bare = Case("python -c pass", [sys.executable, "-I", "-S", "-c", "pass"])
    return [bare, *(Case(name, [*COMMAND, *arguments]) for name, arguments in asked.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="how often each command runs (default 30)")
    parser.add_argument("--page", type=Path, help="a page of arXiv's HTML to read instead of one made up")
    options = parser.parse_args()
    world, service = World(), Loopback()
    measured = cases(world)
    with tempfile.TemporaryDirectory() as home:
        serve(service, world, options.page.read_bytes() if options.page else long_page())
        environment = clean_environment(Path(home), **urls(service), ML_INTERN_ARXIV_HTML_URL=service.url)
        subprocess.run([*COMMAND, "notes", "add", PAPER, "beta is 0.1"], env=environment, check=True, stdout=subprocess.DEVNULL)
        for _ in range(2):  # the first asks, the second keeps what a stored answer is worth
            for case in measured:
                case.run(environment)
        service.close()
        asked = len(service.requests)
        for case in measured:
            case.forget()
        for _ in range(options.rounds):
            for case in measured:
                case.run(environment)
    table(measured, options.rounds, asked)


def table(measured: list[Case], rounds: int, asked: int) -> None:
    print(f"{asked} requests the first time, none after it; {rounds} runs each, load {os.getloadavg()[0]:.1f}")
    print(f"{'':24} {'CPU median':>11} {'least':>9} {'wall median':>12} {'least':>9} {'CPU first':>11}")
    for case in measured:
        cpu, wall = statistics.median(case.cpu_ms), statistics.median(case.wall_ms)
        repeated = f"{cpu:8.0f} ms {min(case.cpu_ms):6.0f} ms {wall:9.0f} ms {min(case.wall_ms):6.0f} ms"
        print(f"{case.name:24} {repeated} {case.first_cpu_ms:8.0f} ms")


if __name__ == "__main__":
    main()
