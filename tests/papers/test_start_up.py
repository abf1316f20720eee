"""A stored answer costs neither a request nor the modules that would make one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.helpers import ROOT, clean_environment
from support.loopback import Loopback
from support.papers import Run, entry, feed, hub, s2_edge, s2_graph, s2_paper, urls

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
from ml_intern_helpers import cli
code = cli.main(sys.argv[2], sys.argv[3:])
heavy = [name for name in ("requests", "filelock", "rich", "huggingface_hub", "feedparser") if name in sys.modules]
print(code, *heavy, file=sys.stderr)
"""
COMMANDS = [["crawl_arxiv", "lora"], ["crawl_arxiv", "--citations", "2106.09685"], ["hf_paper_meta", "2106.09685"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_stored_answer_needs_no_network_modules(service: Loopback, helper: Run, home: Path, command: list[str]) -> None:
    hub(service)
    s2_graph(service, [s2_edge(s2_paper("one"))])
    service.routes["/api/query"] = feed(entry("2401.00001v1"))
    assert helper(*command, **urls(service)).code == 0
    made = len(service.requests)
    again = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, str(ROOT / "src"), *command],
        env=clean_environment(home, **urls(service)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stderr.splitlines()[-1] == "0", again.stderr
    assert len(service.requests) == made
