"""Finds AMD GPUs in the kernel's files (exact and instant), else with `amd-smi` or `rocm-smi`, which also know names.

The keys of both tools' JSON change with nearly every release.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml_intern_helpers.compute.gpu import Gpu, Run, Search, ToolAnswer, read_file, run_tool
from ml_intern_helpers.core.text import clean, human_bytes

VENDOR = "0x1002"
#: Devices with less memory are integrated graphics, which cannot train; the smallest cards that ROCm supports have 8 GB.
SMALLEST_BYTES = 4 * 1024**3
#: Families with bfloat16 instructions: CDNA (MI100 and later), RDNA 3 and 4.
BF16_FAMILIES = ("gfx908", "gfx90a", "gfx94", "gfx95", "gfx11", "gfx12")
_CARD = re.compile(r"card\d+")
PLACES = ("/opt/rocm/bin",)
UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
#: index, name, total bytes, used bytes, architecture, bus address
Card = tuple[int, str, int | None, int | None, str | None, str | None]


def find(run: Run = run_tool, root: Path = Path("/")) -> Search | None:
    """The AMD GPUs; None without any. Tests pass another `root` of the file system."""
    cards, source = _from_kernel(root, run), "sysfs"
    if not cards:
        source, reported = _from_tools(run)
        cards = [_gpu(*card) for card in reported]
    return Search([_with_usability(card, root) for card in cards], source) if cards else None


def _gpu(index: int, name: str, total: int | None, used: int | None, target: str | None, address: str | None) -> Gpu:
    bf16, basis = None, "the architecture is not known"
    if target is not None and target.startswith(BF16_FAMILIES):
        bf16, basis = True, f"{target} has bfloat16 instructions"
    elif target is not None:
        basis = f"PyTorch takes bfloat16 on {target}, but the chip is not known to have instructions for it"
    free = total - used if total and used is not None else None
    note = None if total else "neither the kernel nor AMD's tools report the memory"
    return Gpu(index, name, "amd", "rocm", total, free, bf16, basis, note, architecture=target, uuid=address)


def _from_kernel(root: Path, run: Run) -> list[Gpu]:
    """The cards that the `amdgpu` driver shows, in the order of their bus addresses.

    The kernel's files name only a few cards; for the others, AMD's tools are asked.
    """
    devices = []
    for card in (root / "sys/class/drm").glob("card*"):
        device = card / "device"
        if _CARD.fullmatch(card.name) and read_file(device / "vendor") == VENDOR and _number(device / "mem_info_vram_total"):
            devices.append((device.resolve().name, device))
    names: dict[str | None, str] = {}
    if any(not clean(read_file(device / "product_name")) for _, device in devices):
        names = {address: name for _, name, _, _, _, address in _from_tools(run)[1]}
    targets, cards = _targets(root), []
    for index, (address, device) in enumerate(sorted(devices)):
        target = targets.get(address)
        name = names.get(address) or clean(read_file(device / "product_name"))
        total, used = _number(device / "mem_info_vram_total"), _number(device / "mem_info_vram_used")
        unnamed = f"AMD GPU ({target or read_file(device / 'device')})"
        cards.append(_gpu(index, name or unnamed, total, used, target, address))
    return cards


def _targets(root: Path) -> dict[str, str]:
    """Bus address -> architecture (`gfx90a`), from the compute driver's topology."""
    targets = {}
    for path in (root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties"):
        facts = dict(line.split(None, 1) for line in read_file(path).splitlines() if " " in line)
        version, place = int(facts.get("gfx_target_version", 0)), int(facts.get("location_id", 0))
        if version:
            address = f"{int(facts.get('domain', 0)):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}"
            targets[address] = f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"
    return targets


def _with_usability(card: Gpu, root: Path) -> Gpu:
    """The card, marked as unusable if this process cannot train on it."""
    reason = None
    if card.memory_total_bytes and card.memory_total_bytes < SMALLEST_BYTES:
        reason = f"{human_bytes(card.memory_total_bytes)} of its own: the graphics unit of a processor"
    elif not os.access(root / "dev/kfd", os.R_OK | os.W_OK):
        reason = "no access to /dev/kfd: join the groups render and video, or pass the device into the container"
    return replace(card, usable=False, unusable_reason=reason) if reason else card


def _number(path: Path) -> int | None:
    text = read_file(path)
    return int(text) if text.isdecimal() and int(text) else None


def _from_tools(run: Run) -> tuple[str, list[Card]]:
    """The tool that reports cards, and the cards: `amd-smi`, else `rocm-smi`, which it replaces."""
    static = _records(run("amd-smi", "static", "--asic", "--vram", "--bus", "--json", also_in=PLACES))
    if not static:
        return "rocm-smi", _rocm_smi(run)
    metric = _records(run("amd-smi", "metric", "--mem-usage", "--json", also_in=PLACES))
    used = {record.get("gpu"): _bytes(_at(record, "mem_usage", "used_vram")) for record in metric}
    cards: list[Card] = []
    for place, record in enumerate(static):
        number = record.get("gpu", place)
        name = clean(_at(record, "asic", "market_name") or f"AMD GPU {number}")
        target = _word(_at(record, "asic", "target_graphics_version"))
        total = _bytes(_at(record, "vram", "size"))
        cards.append((int(number), name, total, used.get(number), target, _word(_at(record, "bus", "bdf"))))
    return "amd-smi", cards


def _rocm_smi(run: Run) -> list[Card]:
    answer = run("rocm-smi", "--showmeminfo", "vram", "--showproductname", "--showbus", "--json", also_in=PLACES)
    record = _json(answer)
    cards: list[Card] = []
    for key, value in record.items() if isinstance(record, dict) else []:
        if key.startswith("card") and key[4:].isdecimal() and isinstance(value, dict):
            facts = {name.lower(): str(fact) for name, fact in value.items()}
            name = clean(facts.get("card series") or facts.get("card model") or f"AMD GPU {key[4:]}")
            total, used = facts.get("vram total memory (b)", ""), facts.get("vram total used memory (b)", "")
            address = facts.get("pci bus", "").lower() or None
            cards.append((int(key[4:]), name, _whole(total) or None, _whole(used), _word(facts.get("gfx version")), address))
    return cards


def _records(answer: ToolAnswer | None) -> list[dict[str, Any]]:
    """The list of cards; newer releases wrap it in `gpu_data`."""
    value = _json(answer)
    value = value.get("gpu_data") if isinstance(value, dict) else value
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []


def _json(answer: ToolAnswer | None) -> Any:
    """The answer parsed as JSON, without warnings that both tools may print before it."""
    if answer is None or not answer.ok:
        return None
    starts = [place for place in (answer.stdout.find("{"), answer.stdout.find("[")) if place >= 0]
    try:
        return json.loads(answer.stdout[min(starts) :]) if starts else None
    except ValueError:
        return None


def _at(record: dict[str, Any], section: str, key: str) -> Any:
    part = record.get(section)
    return part.get(key) if isinstance(part, dict) else None


def _bytes(value: Any) -> int | None:
    """`{"value": 196592, "unit": "MB"}` in bytes; AMD's MB is 2**20."""
    if not isinstance(value, dict) or not isinstance(value.get("value"), (int, float)):
        return None
    return int(value["value"] * UNITS.get(str(value.get("unit")), 0)) or None


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _word(value: Any) -> str | None:
    """The value as a clean word in lower case; None if it is missing or "N/A"."""
    text = clean(value).lower() if value else ""
    return text if text and text != "n/a" else None
