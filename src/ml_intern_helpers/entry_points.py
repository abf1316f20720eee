"""What `pip install .` puts on PATH: one function per command."""

from __future__ import annotations

from ml_intern_helpers.cli.commands import main


def detect_compute() -> int:
    return main("detect_compute")


def inspect_dataset() -> int:
    return main("inspect_dataset")


def crawl_arxiv() -> int:
    return main("crawl_arxiv")


def hf_paper_meta() -> int:
    return main("hf_paper_meta")


def preflight_check() -> int:
    return main("preflight_check")


def api_lookup() -> int:
    return main("api_lookup")


def task() -> int:
    return main("task")


def budget() -> int:
    return main("budget")


def dry_run() -> int:
    return main("dry_run")
