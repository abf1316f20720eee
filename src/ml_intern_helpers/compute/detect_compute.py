"""`detect_compute`: reports this machine's GPUs, memory and disk and the account's Jobs, and recommends where to train."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.compute import account, gpus, machine
from ml_intern_helpers.compute.account import Account
from ml_intern_helpers.compute.gpu import Search
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
#: Short, so that a dead network does not delay every session; the Hub usually answers in a third of this time.
DEFAULT_TIMEOUT_S = 1.5
_NONE = "compute_mode_recommendation compute_mode_reason next_step gpu_source driver_version cuda_version machine disk account"
EMPTY_FIELDS: dict[str, Any] = {**dict.fromkeys(_NONE.split()), "gpus": [], "gpu_notes": []}
#: Less free disk than this causes a warning: a 7B model in bf16 alone takes 14 GiB.
LITTLE_DISK_BYTES = 20 * 1024**3
#: A card with a smaller share of free memory is reported as in use.
BUSY_BELOW = 0.8
UNKNOWN = "unknown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Report:
    """The report; the account is looked up while the machine is examined."""

    def stored() -> Http:
        from ml_intern_helpers.web.client import Http

        return Http(offline=True)

    lookup = Task(lambda: account.look_up(lambda: context.http, stored, offline=context.offline))
    search = gpus.find(os.environ)
    system, disk = machine.describe(), machine.disk()
    if lookup.wait(args.timeout + 0.3):
        hf_account = lookup.outcome()
    else:
        hf_account = Account("unreachable", f"the Hub did not answer within {args.timeout:g} s")
    verdict = recommend(search, hf_account)
    _warn(context, search, disk, hf_account)
    fields = {
        "compute_mode_recommendation": verdict.mode,
        "compute_mode_reason": verdict.reason,
        "next_step": verdict.next_step,
        "gpus": [gpu.to_dict() for gpu in search.gpus],
        "gpu_source": search.source,
        "gpu_notes": search.notes,
        "driver_version": search.driver_version,
        "cuda_version": search.cuda_version,
        "machine": system,
        "disk": disk,
        "account": hf_account.to_dict(),
    }
    return Report("detect_compute", "ok", fields)


def _warn(context: Context, search: Search, disk: dict[str, Any], hf_account: Account) -> None:
    for gpu in search.gpus:
        total, free = gpu.memory_total_bytes, gpu.memory_free_bytes
        if not gpu.usable or gpu.unified_memory or total is None or free is None:
            continue
        if free < BUSY_BELOW * total:
            context.warn(f"GPU {gpu.index} is in use: {human_bytes(free)} of {human_bytes(total)} free")
    free_disk = disk["disk_free_bytes"]
    if free_disk is not None and free_disk < LITTLE_DISK_BYTES:
        context.warn(f"only {human_bytes(free_disk)} free where models are downloaded ({disk['hf_cache']})")
    if disk["disk_note"]:
        context.warn(f"{disk['hf_cache']}: {disk['disk_note']}")
    if hf_account.cached:
        context.warn(f"account as stored at {hf_account.asked_at}; the Hub was not asked again")


def render(report: Report) -> str:
    """The report as text for Claude: the recommendation first."""
    fields = report.fields
    lines = [f"{fields['compute_mode_recommendation']}: {fields['compute_mode_reason']}", f"next: {fields['next_step']}"]
    for gpu in fields["gpus"]:
        number, name, free, total, bf16, usable = _gpu_cells(gpu)
        lines.append(f"gpu {number}: {name}, {free} free of {total}, bf16 {bf16} ({gpu['bf16_basis']}), usable {usable}")
    lines += [f"note: {note}" for note in fields["gpu_notes"]]
    lines += [f"{name}: {value}" for name, value in _around(fields)]
    return "\n".join(lines)


def render_human(report: Report, console: Any) -> None:
    """The report as tables for a person."""
    from rich.markup import escape
    from rich.table import Table

    fields = report.fields
    console.print(f"[bold]{fields['compute_mode_recommendation']}[/bold]: {escape(fields['compute_mode_reason'])}")
    console.print(f"next: {escape(fields['next_step'])}\n")
    if fields["gpus"]:
        table = Table("GPU", "name", "free", "total", "bf16", "usable")
        for gpu in fields["gpus"]:
            table.add_row(*(escape(cell) for cell in _gpu_cells(gpu)))
        console.print(table)
    for note in fields["gpu_notes"]:
        console.print(f"[dim]{escape(note)}[/dim]")
    grid = Table.grid(padding=(0, 2))
    for name, value in _around(fields):
        grid.add_row(f"[bold]{name}[/bold]", escape(value))
    console.print(grid)


def _size(count: int | None) -> str:
    return UNKNOWN if count is None else human_bytes(count)


def _gpu_cells(gpu: dict[str, Any]) -> list[str]:
    bf16 = {True: "yes", False: "no", None: UNKNOWN}[gpu["bf16"]]
    usable = "yes" if gpu["usable"] else f"no: {gpu['unusable_reason']}"
    return [str(gpu["index"]), gpu["name"], _size(gpu["memory_free_bytes"]), _size(gpu["memory_total_bytes"]), bf16, usable]


def _around(fields: dict[str, Any]) -> list[tuple[str, str]]:
    machine, disk, account = fields["machine"], fields["disk"], fields["account"]
    driver, cuda = fields["driver_version"], fields["cuda_version"]
    available, total = _size(machine["ram_available_bytes"]), _size(machine["ram_total_bytes"])
    return [
        *([("driver", f"{driver}, CUDA up to {cuda or UNKNOWN}")] if driver else []),
        ("ram", f"{available} available of {total} ({machine['ram_basis']})"),
        ("cpu", f"{machine['cpu_cores'] or UNKNOWN} cores ({machine['cpu_basis']})"),
        ("disk", f"{_size(disk['disk_free_bytes'])} free at {disk['hf_cache']}"),
        ("system", f"{machine['system']} {machine['release']} {machine['architecture']}, Python {machine['python']}"),
        ("account", _account(account)),
    ]


def _account(account: dict[str, Any]) -> str:
    if account["user"] is None:
        return str(account["detail"])
    pays = {True: "can pay", False: "cannot pay", None: "paying unknown"}[account["can_pay"]]
    jobs = ", ".join(account["jobs_namespaces"]) or "nowhere"
    role = account["token_role"] or "browser login"
    return f"{account['user']} ({role}, {pays}; Jobs: {jobs}; asked {account['asked_at']})"
