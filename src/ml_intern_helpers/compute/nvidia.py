"""NVIDIA GPUs: through NVML, the driver's own library (`nvidia-ml-py` provides `pynvml`), else through `nvidia-smi`.

The tool is asked where NVML cannot be loaded from Python (WSL, odd library paths).
"""

from __future__ import annotations

import csv
import ctypes
import re
import sys
from dataclasses import replace
from typing import Any

from ml_intern_helpers.compute.gpu import Gpu, Run, Search, ToolAnswer, nvidia_bf16, run_tool
from ml_intern_helpers.core.background import Task
from ml_intern_helpers.core.text import clean

LIBRARY = "libnvidia-ml.so.1"
#: Without persistence mode the first call wakes every card, about a second each.
LIMIT_S = 10.0
NO_INSTANCE = "MIG mode is on and no instance exists: create one with `nvidia-smi mig -cgi … -C`"
#: Jetson, GB10 and the like have no memory of their own.
UNTOLD = "the driver does not tell the memory (a device that shares the system's memory has none of its own)"
MIB = 1024 * 1024
FIELDS = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "mig.mode.current", "compute_cap")
#: Drivers before 510 refuse the whole query because of these.
NEWER_FIELDS = ("compute_cap", "mig.mode.current")
PLACES = ("/usr/lib/wsl/lib", "/usr/local/nvidia/bin", "/opt/nvidia/bin")
_CARD = re.compile(r"^GPU (\d+): ")
_INSTANCE = re.compile(r"^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)")


def find_with_nvml() -> Search | None:
    """What NVML tells; None when there is no NVML to ask, a note when there is one that fails or hangs."""
    if not _library_there():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    task = Task(lambda: _ask(pynvml))
    if not task.wait(LIMIT_S):
        return Search(notes=[f"NVIDIA: the driver did not answer within {LIMIT_S:.0f} s; a card may have dropped off the bus"])
    return task.outcome()


def _library_there() -> bool:
    """Asked first, because importing the bindings takes longer than the rest of the search where there is no driver."""
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _ask(nvml: Any) -> Search | None:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError_LibraryNotFound:
        return None
    except nvml.NVMLError as err:
        return Search(notes=[f"NVIDIA: the driver cannot be used: {err}"])
    try:
        gpus = [gpu for index in range(nvml.nvmlDeviceGetCount()) for gpu in _gpus(nvml, index)]
        notes = [] if gpus else ["NVIDIA: a driver is installed, but no GPU is visible to this process"]
        cuda = _quiet(nvml, nvml.nvmlSystemGetCudaDriverVersion_v2)
        cuda_version = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
        return Search(gpus, "nvml", _text(_quiet(nvml, nvml.nvmlSystemGetDriverVersion)), cuda_version, notes)
    except nvml.NVMLError as err:
        return Search(notes=[f"NVIDIA: the driver answers, but not about its GPUs: {err}"])


def _gpus(nvml: Any, index: int) -> list[Gpu]:
    """The card at `index`, or its MIG instances: in MIG mode CUDA can use those alone."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as err:
        lost = f"the driver has lost it: {err}"
        return [
            Gpu(index, f"NVIDIA GPU {index}", "nvidia", "cuda", None, None, None, lost, lost, usable=False, unusable_reason=lost)
        ]
    capability = _quiet(nvml, lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle)))
    mig_on = _quiet(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE)
    if not mig_on:
        return [_gpu(nvml, index, handle, capability)]
    instances = [_gpu(nvml, index, instance, capability, mig=True) for instance in _instances(nvml, handle)]
    card = _gpu(nvml, index, handle, capability)
    return instances or [replace(card, mig="on", usable=False, unusable_reason=NO_INSTANCE)]


def _gpu(nvml: Any, index: int, handle: Any, capability: str | None, *, mig: bool = False) -> Gpu:
    name = _text(_quiet(nvml, lambda: nvml.nvmlDeviceGetName(handle))) or f"NVIDIA GPU {index}"
    memory = _quiet(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    total, free = (int(memory.total), int(memory.free)) if memory is not None and memory.total else (None, None)
    bf16, basis = nvidia_bf16(capability)
    return Gpu(
        index,
        name,
        "nvidia",
        "cuda",
        total,
        free,
        bf16,
        basis,
        memory_note=None if total else UNTOLD,
        compute_capability=capability,
        uuid=_text(_quiet(nvml, lambda: nvml.nvmlDeviceGetUUID(handle))),
        mig=(name.partition(" MIG ")[2] or "instance") if mig else None,
    )


def _instances(nvml: Any, handle: Any) -> list[Any]:
    """Handles of a card's MIG instances; the numbers have gaps."""
    count = _quiet(nvml, lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    found = [_quiet(nvml, lambda place=place: nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)) for place in range(count)]
    return [instance for instance in found if instance is not None]


def _quiet(nvml: Any, question: Any) -> Any:
    """The answer, or None: old drivers and small devices do not know every question."""
    try:
        return question()
    except (nvml.NVMLError, UnicodeDecodeError):
        return None


def _text(value: Any) -> str | None:
    return clean(value) if value else None


def find_with_nvidia_smi(run: Run = run_tool) -> Search | None:
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
    instances = _instances_of_smi(run) if any(_known(row.get("mig.mode.current")) == "Enabled" for row in rows) else {}
    gpus = [gpu for row in rows for gpu in _gpus_of_row(row, instances)]
    notes = ["NVIDIA: read from nvidia-smi; its list does not tell which CUDA the driver supports"]
    return Search(gpus, "nvidia-smi", _known(rows[0].get("driver_version")), None, notes)


def _query(run: Run, fields: tuple[str, ...]) -> ToolAnswer | None:
    return run("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", also_in=PLACES)


def _rows(text: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """One dict a card; lines of another width (warnings that the driver prints among them) are not cards."""
    cells = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    return [dict(zip(fields, row, strict=True)) for row in cells if len(row) == len(fields) and row[0].isdecimal()]


def _gpus_of_row(row: dict[str, str], instances: dict[int, list[tuple[str, str]]]) -> list[Gpu]:
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
    return cards or [
        Gpu(
            index,
            name,
            "nvidia",
            "cuda",
            None,
            None,
            bf16,
            basis,
            NO_INSTANCE,
            mig="on",
            usable=False,
            unusable_reason=NO_INSTANCE,
        )
    ]


def _instances_of_smi(run: Run) -> dict[int, list[tuple[str, str]]]:
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
