"""A Hugging Face Hub on loopback, good enough for the real `hf` and `huggingface_hub`: accounts, repositories, pushes.

    with Hub() as hub:
        hub.add("dataset", "ada/chat", {"data.jsonl": b"…"})
        run(..., HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
        assert hub.repo("model", "ada/tuned").files["README.md"]

Uploads are asked for inline (`uploadMode: regular`), so no large-file storage is needed. `hub.service` is the `Loopback`
below it: its `requests` are the record, and a route added there wins over the Hub's own answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from support.loopback import Answer, Loopback, Request

_REPO = re.compile(r"^/api/(?P<kind>model|dataset|space)s/(?P<id>[^/]+/[^/]+)(?:/(?P<rest>.*))?$")
_FILE = re.compile(r"^/(?:(?P<kind>dataset|space)s/)?(?P<id>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<path>.+)$")
TIME = "2026-11-01T00:00:00.000Z"


@dataclass
class Repo:
    """A repository; `info` is merged into its metadata, `commits` holds each commit's summary."""

    kind: str
    id: str
    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = False
    gated: bool | str = False
    info: dict[str, Any] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)

    @property
    def sha(self) -> str:
        """Changes with every commit and with the files."""
        state = json.dumps([self.id, self.commits, sorted((path, _oid(data)) for path, data in self.files.items())])
        return hashlib.sha1(state.encode()).hexdigest()

    def metadata(self) -> dict[str, Any]:
        siblings = [{"rfilename": path, "size": len(data), "blobId": _oid(data)} for path, data in self.files.items()]
        fixed = {"_id": _oid(self.id.encode())[:24], "id": self.id, "author": self.id.split("/")[0], "sha": self.sha}
        state = {"private": self.private, "gated": self.gated, "disabled": False, "tags": [], "downloads": 0, "likes": 0}
        extra = {"modelId": self.id} if self.kind == "model" else {"sdk": "static"} if self.kind == "space" else {}
        return {**fixed, **state, **extra, "createdAt": TIME, "lastModified": TIME, "siblings": siblings, **self.info}


def account(name: str = "ada", *, role: str = "write", **changes: Any) -> dict[str, Any]:
    """What `/api/whoami-v2` answers for a user with a token of `role`; `changes` replace top-level keys."""
    token = {"displayName": "laptop", "role": role, "createdAt": TIME}
    fixed = {"type": "user", "id": "0" * 24, "name": name, "fullname": name.title(), "email": f"{name}@example.org"}
    paying = {"emailVerified": True, "canPay": True, "billingMode": "postpaid", "periodEnd": None, "isPro": False, "orgs": []}
    return {**fixed, **paying, "avatarUrl": "", "auth": {"type": "access_token", "accessToken": token}, **changes}


class Hub:
    """The service. `accounts` maps a token to the answer of whoami; an unknown token gets 401."""

    def __init__(self) -> None:
        self.token = "hf_" + "A" * 34
        self.accounts: dict[str, dict[str, Any]] = {self.token: account()}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.jobs: list[dict[str, Any]] = []
        self.service = Loopback()
        self.service.routes["/"] = self._answer
        self.url = self.service.url

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.service.close()

    def add(self, kind: str, name: str, files: dict[str, bytes] | None = None, **settings: Any) -> Repo:
        """Put a repository there; `settings` are `Repo`'s fields."""
        self.repos[kind, name] = Repo(kind, name, dict(files or {}), **settings)
        return self.repos[kind, name]

    def repo(self, kind: str, name: str) -> Repo:
        return self.repos[kind, name]

    def _answer(self, request: Request) -> Answer:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer and bearer not in self.accounts:
            return _error(401, "Invalid credentials in Authorization header")
        who = self.accounts.get(bearer)
        fixed = {
            "/api/whoami-v2": self._whoami,
            "/api/repos/create": self._create,
            "/api/validate-yaml": lambda *_: Answer({"errors": [], "warnings": []}),
            "/api/agent-harnesses": lambda *_: Answer({"standardEnvVars": [], "harnesses": {}}),
        }
        if request.path in fixed:
            return fixed[request.path](request, who)
        if request.path.startswith("/api/jobs/"):
            return self._jobs(request, who)
        return self._repository(request, who)

    def _whoami(self, request: Request, who: dict[str, Any] | None) -> Answer:
        return Answer(who) if who else _error(401, "Invalid username or password.")

    def _create(self, request: Request, who: dict[str, Any] | None) -> Answer:
        if not who:
            return _error(401, "Invalid username or password.")
        asked = json.loads(request.body)
        name = f"{asked.get('organization') or who['name']}/{asked['name']}"
        kind = asked.get("type") or "model"
        url = f"{self.url}/{'' if kind == 'model' else kind + 's/'}{name}"
        if (kind, name) in self.repos:
            return Answer({"error": f"You already created this {kind} repo", "url": url}, 409)
        self.add(kind, name, private=asked.get("visibility") == "private" or bool(asked.get("private")))
        return Answer({"url": url, "name": name, "id": "0" * 24})

    def _jobs(self, request: Request, who: dict[str, Any] | None) -> Answer:
        if not who:
            return _error(401, "Invalid username or password.")
        if request.method == "POST":
            job = {"id": f"{len(self.jobs) + 1:024x}", "createdAt": TIME, "status": {"stage": "RUNNING", "message": None}}
            job |= {"owner": {"id": "0" * 24, "name": request.path.split("/")[3], "type": "user"}, **json.loads(request.body)}
            self.jobs.append(job)
            return Answer(job)
        wanted = [job for job in self.jobs if job["id"] == request.path.split("/")[-1]]
        return Answer(wanted[0] if wanted else self.jobs)

    def _repository(self, request: Request, who: dict[str, Any] | None) -> Answer:
        match = _REPO.match(request.path) or _FILE.match(request.path)
        if not match:
            return _error(404, "Sorry, we can't find the page you are looking for.")
        parts = match.groupdict()
        repo = self.repos.get((parts["kind"] or "model", parts["id"]))
        if repo is None or (repo.private and not who):
            return _error(404, "Repository not found", "RepoNotFound") if who else _error(401, "Invalid username or password.")
        if "path" in parts:
            return _file(repo, unquote(parts["path"]), request, bool(who))
        return _api(repo, unquote(parts["rest"] or ""), request)


def _api(repo: Repo, rest: str, request: Request) -> Answer:
    action, _, where = rest.partition("/")
    if action in ("", "revision"):
        return Answer(repo.metadata())
    if action == "preupload":
        return Answer({"files": [_upload(repo, entry["path"]) for entry in json.loads(request.body)["files"]]})
    if action == "commit":
        return _commit(repo, [json.loads(line) for line in request.body.splitlines() if line.strip()])
    if action == "tree":
        folder = where.partition("/")[2]
        return Answer([_entry(path, data) for path, data in repo.files.items() if not folder or path.startswith(folder + "/")])
    if action == "paths-info":
        wanted = json.loads(request.body)["paths"]
        return Answer([_entry(path, repo.files[path]) for path in wanted if path in repo.files])
    return _error(404, f"no such endpoint in the test Hub: {rest}")


def _upload(repo: Repo, path: str) -> dict[str, Any]:
    known = {"oid": _oid(repo.files[path])} if path in repo.files else {}
    return {"path": path, "uploadMode": "regular", "shouldIgnore": False, **known}


def _commit(repo: Repo, lines: list[dict[str, Any]]) -> Answer:
    for line in lines:
        value = line["value"]
        if line["key"] == "header":
            repo.commits.append(value["summary"])
        elif line["key"] == "file":
            repo.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "deletedFile":
            repo.files.pop(value["path"], None)
        else:
            return _error(400, f"the test Hub takes no {line['key']}")
    return Answer({"success": True, "commitOid": repo.sha, "commitUrl": f"/{repo.id}/commit/{repo.sha}", "hookOutput": ""})


def _file(repo: Repo, path: str, request: Request, known: bool) -> Answer:
    if repo.gated:
        return _error(403 if known else 401, f"Access to {repo.kind} {repo.id} is restricted.", "GatedRepo")
    if path not in repo.files:
        return _error(404, "Entry not found", "EntryNotFound", commit=repo.sha)
    data = repo.files[path]
    headers = {"etag": f'"{_oid(data)}"', "x-repo-commit": repo.sha, "accept-ranges": "bytes", "x-linked-size": str(len(data))}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not asked:
        return Answer(data, headers=headers)
    first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
    return Answer(data[first : last + 1], 206, {**headers, "content-range": f"bytes {first}-{last}/{len(data)}"})


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "oid": _oid(data), "size": len(data), "path": path}


def _oid(data: bytes) -> str:
    """Git's own hash of a blob, by which the client tells that a file has not changed."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _error(status: int, message: str, code: str | None = None, *, commit: str | None = None) -> Answer:
    headers = {"x-error-message": message, **({"x-error-code": code} if code else {})}
    return Answer({"error": message}, status, {**headers, **({"x-repo-commit": commit} if commit else {})})
