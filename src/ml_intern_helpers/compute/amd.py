"""AMD GPUs: the kernel's own files first (exact and instant), `rocm-smi` or `amd-smi` where those are missing or nameless."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from ml_intern_helpers.compute import amd_tools
from ml_intern_helpers.compute.model import Gpu, Search
from ml_intern_helpers.compute.tools import Run, run_tool
from ml_intern_helpers.core.text import clean, human_bytes

VENDOR = "0x1002"
#: Processors carry small graphics units that no training runs on; the smallest cards that ROCm knows have 8 GB.
SMALLEST_BYTES = 4 * 1024**3
#: Families with bfloat16 instructions: CDNA (MI100 and later), RDNA 3 and 4.
BF16_FAMILIES = ("gfx908", "gfx90a", "gfx94", "gfx95", "gfx11", "gfx12")
_CARD = re.compile(r"card\d+")


def find(run: Run = run_tool, root: Path = Path("/")) -> Search | None:
    """What is known of AMD GPUs; None when there is none. `root` is the file system's, for tests."""
    cards = _from_kernel(root)
    if cards:
        return Search(_usable(_with_names(cards, run), root), "sysfs")
    told = amd_tools.find(run)
    return Search(_usable([_gpu(*card) for card in told.cards], root), told.source) if told else None


def _gpu(index: int, name: str, total: int | None, used: int | None, target: str | None, address: str | None) -> Gpu:
    bf16, basis = _bf16(target)
    free = total - used if total and used is not None else None
    note = None if total else "neither the kernel nor AMD's tools tell the memory"
    return Gpu(index, name, "amd", "rocm", total, free, bf16, basis, note, architecture=target, uuid=address)


def _bf16(target: str | None) -> tuple[bool | None, str]:
    if target is None:
        return None, "the architecture is not known"
    if target.startswith(BF16_FAMILIES):
        return True, f"{target} has bfloat16 instructions"
    return None, f"PyTorch takes bfloat16 on {target}, but the chip is not known to have instructions for it"


def _from_kernel(root: Path) -> list[Gpu]:
    """The cards that the `amdgpu` driver shows, in the order of their bus addresses."""
    targets, found = _targets(root), []
    for card in (root / "sys/class/drm").glob("card*"):
        device = card / "device"
        if _CARD.fullmatch(card.name) and _read(device / "vendor") == VENDOR and _number(device / "mem_info_vram_total"):
            found.append((device.resolve().name, device))
    cards = []
    for index, (address, device) in enumerate(sorted(found)):
        target = targets.get(address)
        name = clean(_read(device / "product_name")) or f"AMD GPU ({target or _read(device / 'device')})"
        total, used = _number(device / "mem_info_vram_total"), _number(device / "mem_info_vram_used")
        cards.append(_gpu(index, name, total, used, target, address))
    return cards


def _targets(root: Path) -> dict[str, str]:
    """Bus address -> architecture (`gfx90a`), from the compute driver's topology."""
    targets = {}
    for path in (root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties"):
        facts = dict(line.split(None, 1) for line in _read(path).splitlines() if " " in line)
        version, place = int(facts.get("gfx_target_version", 0)), int(facts.get("location_id", 0))
        if version:
            address = f"{int(facts.get('domain', 0)):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7}"
            targets[address] = f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"
    return targets


def _with_names(cards: list[Gpu], run: Run) -> list[Gpu]:
    """Most cards have no name in the kernel's files; AMD's tools know it."""
    if not any(card.name.startswith("AMD GPU (") for card in cards):
        return cards
    told = amd_tools.find(run)
    names = {address: name for _, name, _, _, _, address in told.cards} if told else {}
    return [replace(card, name=names.get(card.uuid, card.name)) for card in cards]


def _usable(cards: list[Gpu], root: Path) -> list[Gpu]:
    return [_judged(card, root) for card in cards]


def _judged(card: Gpu, root: Path) -> Gpu:
    reason = None
    if card.memory_total_bytes and card.memory_total_bytes < SMALLEST_BYTES:
        reason = f"{human_bytes(card.memory_total_bytes)} of its own: the graphics unit of a processor"
    elif not os.access(root / "dev/kfd", os.R_OK | os.W_OK):
        reason = "no access to /dev/kfd: join the groups render and video, or pass the device into the container"
    return replace(card, usable=False, unusable_reason=reason) if reason else card


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text.isdecimal() and int(text) else None
