"""A git repository over HTTP on loopback: the smart protocol, because the client clones shallow and the dumb one can't."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

from support.loopback import Answer, Loopback, Request


def serve_repository(service: Loopback, repository: Path) -> str:
    """Let `service` answer git's read requests for `repository`; returns the URL to clone."""
    service.routes["/ml-intern.git/info/refs"] = lambda request: _advertise(request, repository)
    service.routes["/ml-intern.git/git-upload-pack"] = lambda request: _upload(request, repository)
    return f"{service.url}/ml-intern.git"


def _advertise(request: Request, repository: Path) -> Answer:
    refs = _upload_pack(request, repository, "--http-backend-info-refs", b"")
    return _answer("advertisement", b"001e# service=git-upload-pack\n0000" + refs)


def _upload(request: Request, repository: Path) -> Answer:
    body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
    return _answer("result", _upload_pack(request, repository, "--stateless-rpc", body))


def _upload_pack(request: Request, repository: Path, mode: str, body: bytes) -> bytes:
    environment = {**os.environ, "GIT_PROTOCOL": request.headers.get("git-protocol", "")}
    modes = {"--stateless-rpc", mode}
    return subprocess.run(
        ["git", "upload-pack", *modes, repository], env=environment, input=body, capture_output=True, check=True
    ).stdout


def _answer(kind: str, body: bytes) -> Answer:
    return Answer(body, headers={"content-type": f"application/x-git-upload-pack-{kind}", "cache-control": "no-cache"})
