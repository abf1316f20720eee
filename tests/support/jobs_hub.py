"""The Hub on loopback with Jobs that run: the real `hf jobs …` uploads a script, submits it, reads its log and its state.

What `hf jobs uv run` sends is taken as the Hub takes it: the script through a bucket (a Xet store below it), the job as JSON.
The "container" is a process of the training environment in a folder of its own, with the job's variables and secrets and
nothing else of this machine's environment; the packages a job lists are taken as installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.hub import Hub
from support.loopback import Answer, Request
from support.training import training_python

#: For the client: plain chunks, so that this store need not unpack LZ4; no figures sent anywhere.
CLIENT = {
    "HF_XET_XORB_COMPRESSION_POLICY": "none",
    "HF_XET_CLIENT_LEGACY_DIRECT_XORB_UPLOAD": "true",
    "HF_XET_CLIENT_SHARD_API_VERSION": "1",
    "HF_XET_TELEMETRY_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_ROUTE = re.compile(r"^/api/jobs/(?P<namespace>[^/]+)(?:/(?P<id>[^/]+)(?:/(?P<action>\w+))?)?$")
#: Options of `uv run` with a value that the client puts before the script.
_UV_OPTIONS = ("--with", "--python")
_FILE, _BLOCK = 48, 48


@dataclass
class Job:
    """A job that was submitted: what the client sent, the process that runs it, its log (a line, when it came)."""

    id: str
    spec: dict[str, Any]
    folder: Path
    log: list[tuple[str, str]] = field(default_factory=list)
    stage: str = "SCHEDULING"
    times: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def text(self) -> str:
        return "\n".join(line for _, line in self.log)


class JobsHub(Hub):
    """A `Hub` whose jobs run in `folder`; `submitted` holds them in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.submitted: list[Job] = []
        self.xorbs: dict[str, bytes] = {}
        self.bucket: dict[str, bytes] = {}
        self.contents: dict[str, bytes] = {}
        self.service.routes |= {"/api/buckets/": self._buckets, "/cas/": self._cas}

    def __exit__(self, *args: object) -> None:
        for job in self.submitted:
            if job.process is not None and job.process.poll() is None:
                job.process.kill()
            job.done.wait(10)
        super().__exit__(*args)

    def client(self, home: Path) -> dict[str, str]:
        """Variables for a user of this Hub with the training environment's `hf` on PATH."""
        tools = f"{training_python().parent}:/usr/local/bin:/usr/bin:/bin"
        return {"HOME": str(home), "PATH": tools, "HF_ENDPOINT": self.url, "HF_TOKEN": self.token, **CLIENT}

    # ------------------------------------------------------------------ the bucket that carries scripts
    def _buckets(self, request: Request) -> Answer:
        if request.path.endswith("/xet-write-token"):
            return Answer({"casUrl": f"{self.url}/cas", "exp": int(time.time()) + 3600, "accessToken": "loopback"})
        if request.path.endswith("/batch"):
            lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
            self.bucket |= {line["path"]: self.contents[line["xetHash"]] for line in lines if line["type"] == "addFile"}
            return Answer({"success": True, "processed": len(lines), "succeeded": len(lines), "failed": []})
        return Answer({"url": f"{self.url}/buckets/ada/jobs-artifacts", "name": "jobs-artifacts", "id": "0" * 24})

    def _cas(self, request: Request) -> Answer:
        """The store: chunks arrive in a xorb, and a shard says which chunks make up which file."""
        if "/xorbs/" in request.path:
            self.xorbs[request.path.rpartition("/")[2]] = request.body
            return Answer({"was_inserted": True})
        if request.path.endswith("/shards"):
            self.contents |= _files(request.body, self.xorbs)
            return Answer({"result": 1})
        return Answer({"error": "not known here"}, 404)  # "do you have this chunk already?"

    # ------------------------------------------------------------------ jobs
    def _jobs(self, request: Request, who: dict[str, Any] | None) -> Answer:
        match = _ROUTE.match(request.path)
        if not who or match is None:
            return Answer({"error": "Invalid username or password."}, 401)
        if request.method == "POST" and match["id"] is None:
            return Answer(self._shown(self._submit(match["namespace"], json.loads(request.body))))
        if match["id"] is None:
            return Answer([self._shown(job) for job in self.submitted])
        job = next((job for job in self.submitted if job.id == match["id"]), None)
        if job is None:
            return Answer({"error": "Job not found"}, 404)
        return _events(job) if match["action"] == "logs" else Answer(self._shown(job))

    def _submit(self, namespace: str, spec: dict[str, Any]) -> Job:
        number = len(self.submitted) + 1
        job = Job(
            f"{number:024x}",
            {**spec, "owner": {"id": "0" * 24, "name": namespace, "type": "user"}},
            self.folder / f"job-{number}",
        )
        job.times["createdAt"] = _now()
        self.submitted.append(job)
        threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return job

    def _run(self, job: Job) -> None:
        mounts = self._mounted(job)
        words = [_inside(word, mounts) for word in _script_words(job.spec["command"])]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(job.folder), "HF_ENDPOINT": self.url, "OMP_NUM_THREADS": "1"}
        environment |= {**(job.spec.get("environment") or {}), **(job.spec.get("secrets") or {})}
        call = [str(training_python()), "-u", *words]
        with subprocess.Popen(
            call, cwd=job.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        ) as job.process:  # fmt: skip
            job.stage, job.times["startedAt"] = "RUNNING", _now()
            for line in job.process.stdout or ():
                job.log.append((_now(), line.rstrip("\n")))
        job.stage = "COMPLETED" if job.process.returncode == 0 else "ERROR"
        job.times["finishedAt"] = _now()
        job.done.set()

    def _mounted(self, job: Job) -> dict[str, Path]:
        """Each mount point's folder, with what lies in the bucket."""
        found = {}
        for volume in job.spec.get("volumes") or []:
            place = job.folder / volume["mountPath"].strip("/")
            place.mkdir(parents=True)
            prefix = f"{volume['path']}/"
            for path, data in self.bucket.items():
                if path.startswith(prefix):
                    (place / path.removeprefix(prefix)).write_bytes(data)
            found[volume["mountPath"]] = place
        return found

    def _shown(self, job: Job) -> dict[str, Any]:
        public = {name: value for name, value in job.spec.items() if name != "secrets"}
        running = _seconds(job.times.get("startedAt"), job.times.get("finishedAt"))
        state = {"status": {"stage": job.stage, "message": None}, "secrets": dict.fromkeys(job.spec.get("secrets") or {}, "")}
        durations = {"schedulingSecs": 0, "runningSecs": running, "totalSecs": running}
        return {"id": job.id, **public, **state, **job.times, "durations": durations}


def _events(job: Job) -> Answer:
    events = [f"data: {json.dumps({'data': line, 'timestamp': at})}\n\n" for at, line in list(job.log)]
    return Answer("".join(events), headers={"content-type": "text/event-stream"})


def _script_words(command: list[str]) -> list[str]:
    """The words behind `uv run` and its own options."""
    rest = command[2:]
    while rest and rest[0] in _UV_OPTIONS:
        rest = rest[2:]
    return rest


def _inside(word: str, mounts: dict[str, Path]) -> str:
    return next((str(place / word[len(mount) + 1 :]) for mount, place in mounts.items() if word.startswith(f"{mount}/")), word)


def _files(shard: bytes, xorbs: dict[str, bytes]) -> dict[str, bytes]:
    """Content by file hash; the scripts of a test are small, so each shard names one xorb with the chunks in order.

    A shard is entries of 48 bytes: a header (its hash, flags, number of terms), then a term each (xorb, flags, length, first
    and last chunk); a hash of all ones ends the list.
    """
    found, at = {}, _FILE
    while shard[at : at + 32] != b"\xff" * 32:
        name, flags = _hex(shard[at : at + 32]), int.from_bytes(shard[at + 32 : at + 36], "little")
        count = int.from_bytes(shard[at + 36 : at + 40], "little")
        terms = [shard[at + _BLOCK * (1 + number) : at + _BLOCK * (2 + number)] for number in range(count)]
        found[name] = b"".join(_term(term, xorbs) for term in terms)
        extra = (count if flags & 0x80000000 else 0) + (1 if flags & 0x40000000 else 0)  # checksums that nobody needs here
        at += _BLOCK * (1 + count + extra)
    return found


def _term(term: bytes, xorbs: dict[str, bytes]) -> bytes:
    chunks = _chunks(xorbs[_hex(term[:32])])
    first, last = (int.from_bytes(term[start : start + 4], "little") for start in (40, 44))
    return b"".join(chunks[first:last])


def _chunks(xorb: bytes) -> list[bytes]:
    """Each chunk has a header of 8 bytes: version, length, scheme (0: as it is), unpacked length."""
    found, at = [], 0
    while at < len(xorb) and xorb[at] == 0:
        size, scheme = int.from_bytes(xorb[at + 1 : at + 4], "little"), xorb[at + 4]
        assert scheme == 0, "the client was told not to pack"
        found.append(xorb[at + 8 : at + 8 + size])
        at += 8 + size
    return found


def _hex(data: bytes) -> str:
    """A hash as the store writes it: four little-endian words."""
    return "".join(f"{int.from_bytes(data[at : at + 8], 'little'):016x}" for at in range(0, 32, 8))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(start: str | None, end: str | None) -> int:
    if start is None:
        return 0
    last = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return round((last - datetime.fromisoformat(start)).total_seconds())
