"""Lets nothing leave this machine: uploads, repositories, trackers and jobs are listed instead of made."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from ml_intern_helpers.dryrun.inside.events import emit, finding, substitute

#: Methods of `HfApi` that write; more are recognised by the beginning of their name.
_WRITES = (
    "create_",
    "delete_",
    "upload_",
    "update_",
    "move_",
    "add_",
    "request_space",
    "set_space",
    "pause_",
    "restart_",
    "duplicate_",
    "super_squash",
    "permanently_",
    "preupload_",
    "run_job",
    "run_uv_job",
    "rerun_",
    "cancel_",
    "comment_",
    "change_",
    "edit_",
    "rename_",
    "merge_",
    "unlike",
    "grant_",
    "accept_",
    "reject_",
    "enable_",
    "disable_",
    "resume_",
    "scale_",
    "suspend_",
    "trigger_",
)


def patch_hub(module: Any) -> None:
    """Replace every writing method of `huggingface_hub.hf_api.HfApi`, and the functions made of them."""
    for name in dir(module.HfApi):
        if name.startswith(_WRITES) and callable(getattr(module.HfApi, name)):
            fake = _fake(module, name)
            setattr(module.HfApi, name, fake)
            if hasattr(module, name):
                setattr(module, name, lambda *args, _fake=fake, **kwargs: _fake(None, *args, **kwargs))


def _fake(module: Any, name: str) -> Any:
    import inspect

    signature = inspect.signature(getattr(module.HfApi, name))

    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        background = kwargs.pop("run_as_future", False)
        bound = signature.bind(self, *args, **kwargs)  # wrong arguments raise, as they would
        repo = _full_name(str(bound.arguments.get("repo_id", "") or ""))
        kind = bound.arguments.get("repo_type") or "model"
        emit("write", method=name, repo=repo, repo_type=kind, private=bound.arguments.get("private"))
        answer = _answer(module, name, repo, kind)
        if not background:
            return answer
        future: Future[Any] = Future()
        future.set_result(answer)
        return future

    return write


def _full_name(repo: str) -> str:
    return repo if "/" in repo or not repo else f"you/{repo}"


def _answer(module: Any, name: str, repo: str, kind: str) -> Any:
    url = f"https://huggingface.co/{'' if kind == 'model' else kind + 's/'}{repo or 'you/unnamed'}"
    if name == "create_repo":
        return module.RepoUrl(url)
    if name in ("create_commit", "upload_folder", "upload_file", "upload_large_folder"):
        return module.CommitInfo(
            commit_url=f"{url}/commit/{'0' * 40}", commit_message="dry run", commit_description="", oid="0" * 40
        )
    return SimpleNamespace(id="dry-run", url=url, owner=SimpleNamespace(name="you"), status=SimpleNamespace(stage="COMPLETED"))


def patch_http(module: Any) -> None:
    """Refuse every other writing request of the Hub's client, whatever asks for it."""
    client = module.Client
    send = client.send

    def read_only(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        reads = request.method in ("GET", "HEAD") or str(request.url.path).endswith(("/paths-info", "/api/resolve-cache"))
        if not reads and "/paths-info/" not in str(request.url.path):
            emit("write", method=f"HTTP {request.method}", repo=str(request.url.path), repo_type="", private=None)
            raise PermissionError(f"the dry run sends nothing: {request.method} {request.url.path}")
        return send(self, request, *args, **kwargs)

    client.send = read_only


def patch_trainer_push(trainer: Any) -> None:
    """Notice a repository name that was given as the commit message."""
    push = trainer.push_to_hub

    def push_to_hub(self: Any, commit_message: str | None = "End of training", *args: Any, **kwargs: Any) -> Any:
        target = str(self.hub_model_id or self.args.hub_model_id or os.path.basename(str(self.args.output_dir)))
        if isinstance(commit_message, str) and " " not in commit_message and commit_message.count("/") == 1:
            finding(
                "push-target",
                "error",
                f"push_to_hub({commit_message!r}) takes this as the commit message; it pushes to {target}",
                f"set hub_model_id={commit_message!r} in the configuration and call trainer.push_to_hub()",
            )
        return push(self, commit_message, *args, **kwargs)

    trainer.push_to_hub = push_to_hub


class _Silent:
    """An object that accepts every call, for a tracker's run."""

    def __getattr__(self, name: str) -> Any:
        return _Silent()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _Silent()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        return None

    def __getitem__(self, key: Any) -> Any:
        return _Silent()


def patch_tracker(module: Any) -> None:
    """Silence a tracker: its run is noted, nothing is stored."""
    names = ("init", "log", "finish", "alert", "save", "login", "watch", "log_system", "start_run", "log_metrics", "log_params")
    for name in names:
        if hasattr(module, name):
            setattr(module, name, _tracked(module.__name__, name))


def _tracked(tracker: str, name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if name in ("init", "start_run"):
            where = kwargs.get("project") or (args[0] if args else "") or kwargs.get("run_name", "")
            emit("write", method=f"{tracker}.{name}", repo=str(where), repo_type="tracker", private=None)
        return _Silent()

    return call


def patch_processes() -> None:
    """Replace commands that upload or submit, started by the script, by one that does nothing."""
    original = subprocess.Popen.__init__

    def start(self: Any, args: Any, *rest: Any, **kwargs: Any) -> None:
        words = args.split() if isinstance(args, str) else [str(word) for word in args]
        joined = " ".join(words)
        program = os.path.basename(words[0]) if words else ""
        uploads = program in ("hf", "huggingface-cli", "aws", "gsutil", "gcloud", "rsync", "scp")
        if uploads or "git push" in joined or "hf upload" in joined or "hf jobs" in joined:
            emit("write", method=program, repo=joined[:120], repo_type="command", private=None)
            substitute("world", f"not run: {joined[:80]}")
            args, kwargs["shell"] = ["true"], False
        original(self, args, *rest, **kwargs)

    subprocess.Popen.__init__ = start  # type: ignore[method-assign]
