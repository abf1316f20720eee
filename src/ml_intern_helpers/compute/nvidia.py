"""Finds NVIDIA GPUs through NVML, the driver's own library (`nvidia-ml-py` provides `pynvml`), else through `nvidia-smi`.

The tool is used if NVML cannot be loaded from Python (WSL, unusual library paths).
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
#: Without persistence mode the first call initialises every card, which takes about a second each.
LIMIT_S = 10.0
NO_INSTANCE = "MIG mode is on and no instance exists: create one with `nvidia-smi mig -cgi … -C`"
#: Jetson, GB10 and similar devices have no memory of their own.
UNREPORTED = "the driver does not report the memory (a device that shares the system's memory has none of its own)"
MIB = 1024 * 1024
FIELDS = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "mig.mode.current", "compute_cap")
#: Drivers before 510 do not know these fields and refuse the whole query.
NEWER_FIELDS = ("compute_cap", "mig.mode.current")
PLACES = ("/usr/lib/wsl/lib", "/usr/local/nvidia/bin", "/opt/nvidia/bin")
_CARD = re.compile(r"^GPU (\d+): ")
_INSTANCE = re.compile(r"^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)")


def find_with_nvml() -> Search | None:
    """The GPUs that NVML reports; None without NVML, a note when NVML fails or hangs."""
    try:
        if (
            sys.platform == "linux"
        ):  # without a driver, skip the import of the bindings, which takes longer than the rest of the search
            ctypes.CDLL(LIBRARY)
        import pynvml
    except (OSError, ImportError):
        return None
    task = Task(lambda: _query_nvml(pynvml))
    if not task.wait(LIMIT_S):
        return Search(notes=[f"NVIDIA: the driver did not answer within {LIMIT_S:.0f} s; a card may have dropped off the bus"])
    return task.outcome()


def _query_nvml(nvml: Any) -> Search | None:
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
        return Search(notes=[f"NVIDIA: the driver reports no GPUs: {err}"])


def _gpus(nvml: Any, index: int) -> list[Gpu]:
    """The card at `index`, or its MIG instances: in MIG mode CUDA can use only those."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as err:
        lost = f"the driver cannot reach it: {err}"
        return [
            Gpu(index, f"NVIDIA GPU {index}", "nvidia", "cuda", None, None, None, lost, lost, usable=False, unusable_reason=lost)
        ]
    capability = _quiet(nvml, lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle)))
    mig_on = _quiet(nvml, lambda: nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE)
    card = _gpu(nvml, index, handle, capability)
    if not mig_on:
        return [card]
    count = _quiet(nvml, lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
    handles = [
        _quiet(nvml, lambda place=place: nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)) for place in range(count)
    ]
    instances = [_gpu(nvml, index, each, capability, mig=True) for each in handles if each is not None]  # the numbers have gaps
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
        memory_note=None if total else UNREPORTED,
        compute_capability=capability,
        uuid=_text(_quiet(nvml, lambda: nvml.nvmlDeviceGetUUID(handle))),
        mig=(name.partition(" MIG ")[2] or "instance") if mig else None,
    )


def _quiet(nvml: Any, question: Any) -> Any:
    """The answer to an NVML query; None if it fails, as old drivers and small devices do not support every query."""
    try:
        return question()
    except (nvml.NVMLError, UnicodeDecodeError):
        return None


def _text(value: Any) -> str | None:
    return clean(value) if value else None


def find_with_nvidia_smi(run: Run = run_tool) -> Search | None:
    """The GPUs that `nvidia-smi` reports; None when there is no such tool."""
    fields: tuple[str, ...] = FIELDS
    answer = _query(run, fields)
    if answer is not None and "not a valid field" in answer.stdout + answer.stderr:
        fields = tuple(name for name in FIELDS if name not in NEWER_FIELDS)
        answer = _query(run, fields)
    if answer is None:
        return None
    # One row per card; lines with another number of cells are warnings of the driver.
    cells = [[cell.strip() for cell in row] for row in csv.reader(answer.stdout.splitlines())] if answer.ok else []
    rows = [dict(zip(fields, row, strict=True)) for row in cells if len(row) == len(fields) and row[0].isdecimal()]
    if not rows:
        return Search(notes=[f"NVIDIA: nvidia-smi reports no GPU: {answer.complaint()}"])
    instances: dict[int, list[tuple[str, str]]] = {}  # card -> profile and UUID of its MIG instances
    if any(_known(row.get("mig.mode.current")) == "Enabled" for row in rows):
        listing, card = run("nvidia-smi", "-L", also_in=PLACES), -1
        for line in listing.stdout.splitlines() if listing is not None else []:
            if match := _CARD.match(line):
                card = int(match[1])
            elif match := _INSTANCE.match(line):
                instances.setdefault(card, []).append((match[1], match[2]))
    gpus = [gpu for row in rows for gpu in _gpus_of_row(row, instances)]
    notes = ["NVIDIA: read from nvidia-smi, which does not list the CUDA version that the driver supports"]
    return Search(gpus, "nvidia-smi", _known(rows[0].get("driver_version")), None, notes)


def _query(run: Run, fields: tuple[str, ...]) -> ToolAnswer | None:
    return run("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", also_in=PLACES)


def _gpus_of_row(row: dict[str, str], instances: dict[int, list[tuple[str, str]]]) -> list[Gpu]:
    index, capability = int(row["index"]), _known(row.get("compute_cap"))
    capability = capability if capability and re.fullmatch(r"\d+\.\d+", capability) else None
    name = clean(_known(row["name"]) or f"NVIDIA GPU {index}")
    bf16, basis = nvidia_bf16(capability)
    if _known(row.get("mig.mode.current")) != "Enabled":
        total = _bytes(row["memory.total"])
        free = _bytes(row["memory.free"]) if total else None
        note = None if total else UNREPORTED
        uuid = _known(row["uuid"])
        return [Gpu(index, name, "nvidia", "cuda", total, free, bf16, basis, note, compute_capability=capability, uuid=uuid)]
    card_instances = instances.get(index, [])
    note = "nvidia-smi does not report the memory of a MIG instance; the name of its profile gives it in round GB"
    cards = [
        Gpu(index, f"{name} MIG {kind}", "nvidia", "cuda", None, None, bf16, basis, note, False, capability, None, uuid, kind)
        for kind, uuid in card_instances
    ]
    card = Gpu(index, name, "nvidia", "cuda", None, None, bf16, basis, NO_INSTANCE, mig="on")
    return cards or [replace(card, usable=False, unusable_reason=NO_INSTANCE)]


def _known(cell: str | None) -> str | None:
    """The cell's text, or None for `[N/A]`, `N/A`, `[Not Supported]`, `[Unknown Error]` and similar texts."""
    return None if cell is None or cell.startswith("[") or cell in ("", "N/A") else cell


def _bytes(cell: str) -> int | None:
    text = _known(cell)
    return int(text) * MIB if text and text.isdecimal() and int(text) else None
