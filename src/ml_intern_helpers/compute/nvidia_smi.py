"""NVIDIA GPUs through `nvidia-smi`, where NVML cannot be loaded from Python (WSL, odd library paths)."""

from __future__ import annotations

import csv
import re

from ml_intern_helpers.compute.model import Gpu, Search, nvidia_bf16
from ml_intern_helpers.compute.nvml import UNTOLD
from ml_intern_helpers.compute.tools import Run, ToolAnswer, run_tool
from ml_intern_helpers.core.text import clean

MIB = 1024 * 1024
FIELDS = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "mig.mode.current", "compute_cap")
#: Drivers before 510 refuse the whole query because of these.
NEWER_FIELDS = ("compute_cap", "mig.mode.current")
PLACES = ("/usr/lib/wsl/lib", "/usr/local/nvidia/bin", "/opt/nvidia/bin")
_CARD = re.compile(r"^GPU (\d+): ")
_INSTANCE = re.compile(r"^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)")


def find(run: Run = run_tool) -> Search | None:
    """What `nvidia-smi` tells; None when there is none."""
    fields: tuple[str, ...] = FIELDS
    answer = _query(run, fields)
    if answer is not None and "not a valid field" in answer.stdout + answer.stderr:
        fields = tuple(name for name in FIELDS if name not in NEWER_FIELDS)
        answer = _query(run, fields)
    if answer is None:
        return None
    rows = _rows(answer.stdout, fields) if answer.ok else []
    if not rows:
        return Search(notes=[f"NVIDIA: nvidia-smi tells of no GPU: {answer.complaint()}"])
    instances = _instances(run) if any(_known(row.get("mig.mode.current")) == "Enabled" for row in rows) else {}
    gpus = [gpu for row in rows for gpu in _gpus(row, instances)]
    notes = ["NVIDIA: read from nvidia-smi; its list does not tell which CUDA the driver supports"]
    return Search(gpus, "nvidia-smi", _known(rows[0].get("driver_version")), None, notes)


def _query(run: Run, fields: tuple[str, ...]) -> ToolAnswer | None:
    return run("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", also_in=PLACES)


def _rows(text: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """One dict a card; lines of another width (warnings that the driver prints among them) are not cards."""
    cells = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    return [dict(zip(fields, row, strict=True)) for row in cells if len(row) == len(fields) and row[0].isdecimal()]


def _gpus(row: dict[str, str], instances: dict[int, list[tuple[str, str]]]) -> list[Gpu]:
    index, capability = int(row["index"]), _capability(row.get("compute_cap"))
    name = clean(_known(row["name"]) or f"NVIDIA GPU {index}")
    bf16, basis = nvidia_bf16(capability)
    if _known(row.get("mig.mode.current")) != "Enabled":
        total = _bytes(row["memory.total"])
        free = _bytes(row["memory.free"]) if total else None
        note = None if total else UNTOLD
        uuid = _known(row["uuid"])
        return [Gpu(index, name, "nvidia", "cuda", total, free, bf16, basis, note, compute_capability=capability, uuid=uuid)]
    found = instances.get(index, [])
    note = "nvidia-smi tells no memory of a MIG instance; its profile names it in round GB"
    cards = [
        Gpu(index, f"{name} MIG {kind}", "nvidia", "cuda", None, None, bf16, basis, note, False, capability, None, uuid, kind)
        for kind, uuid in found
    ]
    empty = "MIG mode is on and no instance exists: create one with `nvidia-smi mig -cgi … -C`"
    return cards or [
        Gpu(index, name, "nvidia", "cuda", None, None, bf16, basis, empty, mig="on", usable=False, unusable_reason=empty)
    ]


def _instances(run: Run) -> dict[int, list[tuple[str, str]]]:
    """MIG instances by card: (profile, UUID), from `nvidia-smi -L`."""
    answer, card = run("nvidia-smi", "-L", also_in=PLACES), -1
    found: dict[int, list[tuple[str, str]]] = {}
    for line in answer.stdout.splitlines() if answer is not None else []:
        if match := _CARD.match(line):
            card = int(match[1])
        elif match := _INSTANCE.match(line):
            found.setdefault(card, []).append((match[1], match[2]))
    return found


def _known(cell: str | None) -> str | None:
    """The cell's text, or None for `[N/A]`, `N/A`, `[Not Supported]`, `[Unknown Error]` and their like."""
    return None if cell is None or cell.startswith("[") or cell in ("", "N/A") else cell


def _bytes(cell: str) -> int | None:
    known = _known(cell)
    return int(known) * MIB if known and known.isdecimal() and int(known) else None


def _capability(cell: str | None) -> str | None:
    known = _known(cell)
    return known if known and re.fullmatch(r"\d+\.\d+", known) else None
