"""Recommends where to train: one of four modes, with the reason and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_intern_helpers.compute.account import Account
from ml_intern_helpers.compute.gpu import Search
from ml_intern_helpers.core.text import human_bytes

Mode = Literal["ask_user", "local", "jobs", "none"]
#: State of the account -> what the user can do so that it may run Jobs.
_REMEDIES = {
    "ok": "add credit (huggingface.co/settings/billing)",
    "no_token": "log in with `hf auth login`",
    "unusable_token": "set a valid token (HF_TOKEN, or `hf auth login`)",
    "invalid_token": "renew the login: `hf auth whoami` refreshes a browser login, else `hf auth login`; unset a stale HF_TOKEN",
    "refused": "log in with an account that the Hub accepts",
    "rate_limited": "ask again in some minutes",
    "unreachable": "connect to the network (or give it longer with --timeout 20) and ask again",
    "offline": "run again online",
    "unexpected": "check HF_ENDPOINT and proxies, and ask again",
}


@dataclass(frozen=True)
class Recommendation:
    """Where to train. `mode` depends only on whether there are a usable GPU and an account that may run Jobs."""

    mode: Mode
    reason: str
    next_step: str


def recommend(search: Search, account: Account) -> Recommendation:
    """GPU and account: `ask_user`; GPU: `local`; account: `jobs`; neither: `none`."""
    usable = [gpu for gpu in search.gpus if gpu.usable]
    paying = account.jobs_namespaces
    mode: Mode = ("ask_user" if paying else "local") if usable else ("jobs" if paying else "none")
    return Recommendation(mode, f"{_gpu_sentence(search)} {_account_sentence(account)}", _next_step(mode, account))


def _gpu_sentence(search: Search) -> str:
    usable, unusable = ([gpu for gpu in search.gpus if gpu.usable is state] for state in (True, False))
    if not usable and unusable:
        return f"No usable GPU: {unusable[0].name} is there, but {unusable[0].unusable_reason}."
    if not usable:
        return f"No usable GPU ({search.notes[0]})." if search.notes else "No GPU found."
    first_gpu = usable[0]
    intro = f"{len(usable)} usable GPUs, the first a" if len(usable) > 1 else "A usable GPU:"
    if first_gpu.memory_total_bytes is None:
        return f"{intro} {first_gpu.name} (the driver does not report its memory)."
    memory = f"{human_bytes(first_gpu.memory_total_bytes)} {'shared with the system' if first_gpu.unified_memory else 'in all'}"
    free = f"{human_bytes(first_gpu.memory_free_bytes)} free of " if first_gpu.memory_free_bytes is not None else ""
    return f"{intro} {first_gpu.name} ({free}{memory})."


def _account_sentence(account: Account) -> str:
    names = account.jobs_namespaces
    if names:
        where = f"under {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        unsure = "" if any(each.counts and each.can_pay for each in account.namespaces) else "; whether it can pay is not known"
        return f"Account {account.user} may run Jobs {where} ({account.may_run_jobs_basis}{unsure})."
    if account.state != "ok":
        unknown = account.state in ("unreachable", "offline", "rate_limited", "unexpected")
        return f"{'Account unknown, counted as none' if unknown else 'No account for Jobs'}: {account.detail}."
    if account.may_run_jobs is not True:  # the obstacle is the permission, else the money
        obstacle = account.may_run_jobs_basis or "its token does not say what it may do"
    else:
        names_with_jobs = [each.name for each in account.namespaces if each.may_run_jobs]
        obstacle = f"{' and '.join(names_with_jobs[:3])} cannot pay, according to the Hub"
    return f"Account {account.user} cannot run Jobs: {obstacle}."


def _next_step(mode: Mode, account: Account) -> str:
    if mode == "ask_user":
        return "show the GPU and the estimated cost on Jobs, and let the user choose; then check that the model fits the memory"
    if mode == "local":
        return "train here, and first check that the model fits the memory; Jobs would fail with this account"
    if mode == "jobs":
        namespace = account.jobs_namespaces[0]
        where = "" if namespace == account.user else f" (with --namespace {namespace})"
        return f"have the user confirm price x hours before submitting to Jobs{where}"
    remedy = _REMEDIES[account.state]
    if account.state == "ok" and account.may_run_jobs is not True:
        remedy = "give the token the permission job.write (huggingface.co/settings/tokens), or use a write token"
    return f"stop; {remedy}, or run on a machine with a GPU"
