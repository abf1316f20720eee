"""The answer for reading: plain lines with the verdict first, or tables."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import human_bytes

UNKNOWN = "unknown"


def text(fields: dict[str, Any]) -> str:
    """A dozen lines, the recommendation in the first."""
    lines = [f"{fields['compute_mode_recommendation']}: {fields['compute_mode_reason']}", f"next: {fields['next_step']}"]
    lines += [_gpu_line(gpu) for gpu in fields["gpus"]]
    lines += [f"note: {note}" for note in fields["gpu_notes"]]
    lines += [f"{name}: {value}" for name, value in _around(fields)]
    return "\n".join(lines)


def human(fields: dict[str, Any], console: Any) -> None:
    """The same, for a terminal (rich)."""
    from rich.markup import escape
    from rich.table import Table

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


def size(count: int | None) -> str:
    """Bytes for reading; unknown stays unknown."""
    return UNKNOWN if count is None else human_bytes(count)


def _gpu_line(gpu: dict[str, Any]) -> str:
    number, name, free, total, bf16, usable = _gpu_cells(gpu)
    return f"gpu {number}: {name}, {free} free of {total}, bf16 {bf16} ({gpu['bf16_basis']}), usable {usable}"


def _gpu_cells(gpu: dict[str, Any]) -> list[str]:
    bf16 = {True: "yes", False: "no", None: UNKNOWN}[gpu["bf16"]]
    usable = "yes" if gpu["usable"] else f"no: {gpu['unusable_reason']}"
    return [str(gpu["index"]), gpu["name"], size(gpu["memory_free_bytes"]), size(gpu["memory_total_bytes"]), bf16, usable]


def _around(fields: dict[str, Any]) -> list[tuple[str, str]]:
    machine, disk, account = fields["machine"], fields["disk"], fields["account"]
    rows = [
        ("driver", f"{fields['driver_version']}, CUDA up to {fields['cuda_version'] or UNKNOWN}")
        if fields["driver_version"]
        else None,
        (
            "ram",
            f"{size(machine['ram_available_bytes'])} available of {size(machine['ram_total_bytes'])} ({machine['ram_basis']})",
        ),
        ("cpu", f"{machine['cpu_cores'] or UNKNOWN} cores ({machine['cpu_basis']})"),
        ("disk", f"{size(disk['disk_free_bytes'])} free at {disk['hf_cache']}"),
        ("system", f"{machine['system']} {machine['release']} {machine['architecture']}, Python {machine['python']}"),
        ("account", _account(account)),
    ]
    return [row for row in rows if row is not None]


def _account(account: dict[str, Any]) -> str:
    if account["user"] is None:
        return str(account["detail"])
    pays = {True: "can pay", False: "cannot pay", None: "paying unknown"}[account["can_pay"]]
    jobs = ", ".join(account["jobs_namespaces"]) or "nowhere"
    role = account["token_role"] or "browser login"
    return f"{account['user']} ({role}, {pays}; Jobs: {jobs}; asked {account['asked_at']})"
