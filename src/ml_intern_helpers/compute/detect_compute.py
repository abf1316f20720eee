"""The command `detect_compute`: this machine's GPUs, memory and disk, this account's Jobs, and where to train."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.compute import account, gpus, machine, texts
from ml_intern_helpers.compute.account import Account
from ml_intern_helpers.compute.model import Gpu, Search
from ml_intern_helpers.compute.recommend import recommend
from ml_intern_helpers.core.background import Task
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import human_bytes

if TYPE_CHECKING:
    from ml_intern_helpers.cli.commands import Context
    from ml_intern_helpers.web.client import Http

SUMMARY = "Say what can train here: GPUs, memory, disk, the Hugging Face account, and a recommendation with its reason."
EPILOG = """examples:
  detect_compute                       one JSON object; compute_mode_recommendation is ask_user, local, jobs or none
  detect_compute --human --timeout 20  tables for people; a slow Hub gets 20 seconds
The code is 0 whenever it could look, also for `none`."""
DEFAULT_FORMAT = "json"
#: A dead network must not hold up the first command of every session; a live Hub answers in a third of this.
DEFAULT_TIMEOUT_S = 1.5
EMPTY_FIELDS: dict[str, Any] = {
    "compute_mode_recommendation": None,
    "compute_mode_reason": None,
    "next_step": None,
    "gpus": [],
    "gpu_source": None,
    "gpu_notes": [],
    "driver_version": None,
    "cuda_version": None,
    "machine": None,
    "disk": None,
    "account": None,
}
#: Less free than this is worth a word: a 7B model in bf16 alone is 14 GiB.
LITTLE_DISK_BYTES = 20 * 1024**3
#: A card with less than this share free is in use by somebody else.
BUSY_BELOW = 0.8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Report:
    """Look at everything, the account beside the machine, so that a slow one costs no more than its own time."""
    asking = Task(lambda: account.look_up(lambda: context.http, _stored_answers, offline=context.offline))
    search = gpus.find(os.environ)
    around, disk = machine.describe(), machine.disk()
    who = _awaited(asking, args.timeout)
    verdict = recommend(search, who)
    _warn(context, search, disk, who)
    fields = {
        "compute_mode_recommendation": verdict.mode,
        "compute_mode_reason": verdict.reason,
        "next_step": verdict.next_step,
        "gpus": [gpu.to_dict() for gpu in search.gpus],
        "gpu_source": search.source,
        "gpu_notes": search.notes,
        "driver_version": search.driver_version,
        "cuda_version": search.cuda_version,
        "machine": around,
        "disk": disk,
        "account": who.to_dict(),
    }
    return Report("detect_compute", "ok", fields)


def _awaited(asking: Task[Account], seconds: float) -> Account:
    if asking.wait(seconds + 0.3):
        return asking.outcome()
    return Account("unreachable", f"the Hub did not answer within {seconds:g} s")


def _stored_answers() -> Http:
    from ml_intern_helpers.web.client import Http

    return Http(offline=True)


def _warn(context: Context, search: Search, disk: dict[str, Any], who: Account) -> None:
    for gpu in search.gpus:
        if gpu.usable and _busy(gpu):
            free, total = human_bytes(gpu.memory_free_bytes or 0), human_bytes(gpu.memory_total_bytes or 0)
            context.warn(f"GPU {gpu.index} is in use: {free} of {total} free")
    free_disk = disk["disk_free_bytes"]
    if free_disk is not None and free_disk < LITTLE_DISK_BYTES:
        context.warn(f"only {human_bytes(free_disk)} free where models are downloaded ({disk['hf_cache']})")
    if disk["disk_note"]:
        context.warn(f"{disk['hf_cache']}: {disk['disk_note']}")
    if who.cached:
        context.warn(f"account as stored at {who.asked_at}; the Hub was not asked again")


def _busy(gpu: Gpu) -> bool:
    total, free = gpu.memory_total_bytes, gpu.memory_free_bytes
    return not gpu.unified_memory and total is not None and free is not None and free < BUSY_BELOW * total


def render(report: Report) -> str:
    return texts.text(report.fields)


def render_human(report: Report, console: Any) -> None:
    """Tables for people."""
    texts.human(report.fields, console)
