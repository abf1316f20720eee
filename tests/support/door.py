"""The network door in a test's own process, its waits recorded instead of slept."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ml_intern_helpers.web.client import Http
from support.helpers import URL_VARIABLES

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY", "OPENALEX_API_KEY")
PLACES = ("HF_HOME", "HF_TOKEN_PATH", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def enter(monkeypatch: pytest.MonkeyPatch, home: Path, url: str) -> None:
    """Give this process an empty home and point every service at `url`."""
    for name in (*KEYS, *PLACES, *CERTIFICATES, *PROXIES, *(name.lower() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    for name in URL_VARIABLES:
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ML_INTERN_CACHE", str(home / "cache"))


class Waits(list[float]):
    """Stands in for `time.sleep` and remembers what it was told to wait."""

    def __call__(self, seconds: float) -> None:
        if seconds:
            self.append(seconds)


def door(waits: Waits | None = None, **settings: object) -> Http:
    """A door that does not sleep."""
    return Http(sleep=Waits() if waits is None else waits, **settings)  # type: ignore[arg-type]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the clock on the wall forward."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
