"""The paper room inside this process: real sockets to loopback, no waiting, a cache of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.cli import commands
from ml_intern_helpers.web.client import Http
from support.helpers import DEAD_URL, URL_VARIABLES, Outcome
from support.loopback import Loopback


@pytest.fixture
def waits() -> list[float]:
    """Seconds that the code under test wanted to sleep."""
    return []


@pytest.fixture
def http(service: Loopback, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Http]:
    """`http()` is a fresh door; every paper service is the loopback one, everything else is dead."""
    for name in URL_VARIABLES:
        monkeypatch.setenv(name, DEAD_URL)
    for name in ("HF_ENDPOINT", "ML_INTERN_ARXIV_URL", "ML_INTERN_SEMANTIC_SCHOLAR_URL", "ML_INTERN_OPENALEX_URL"):
        monkeypatch.setenv(name, service.url)
    for name in ("SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY", "OPENALEX_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return lambda: Http(sleep=waits.append)


@pytest.fixture
def command(
    http: Callable[[], Http], waits: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """`command("crawl_arxiv", "lora")`: arguments in, output and exit code out, as the program itself; waits are only noted."""
    monkeypatch.setitem(Http.__init__.__kwdefaults__, "sleep", waits.append)  # type: ignore[index]

    def run(name: str, *arguments: str) -> Outcome:
        code = commands.main(name, list(arguments))
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run
