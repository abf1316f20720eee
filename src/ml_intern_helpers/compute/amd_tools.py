"""Reads `rocm-smi --json` and `amd-smi --json`, whose keys have changed with nearly every release."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.compute.tools import Run, ToolAnswer
from ml_intern_helpers.core.text import clean

PLACES = ("/opt/rocm/bin",)
UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
#: index, name, total bytes, used bytes, architecture, bus address
Card = tuple[int, str, int | None, int | None, str | None, str | None]


@dataclass(frozen=True)
class Told:
    """What one of the two tools says of the cards."""

    source: str
    cards: list[Card] = field(default_factory=list)


def find(run: Run) -> Told | None:
    """`amd-smi` (which replaces the other), else `rocm-smi`; None when neither tells of a card."""
    return _amd_smi(run) or _rocm_smi(run)


def _amd_smi(run: Run) -> Told | None:
    static = _records(run("amd-smi", "static", "--asic", "--vram", "--bus", "--json", also_in=PLACES))
    if not static:
        return None
    metric = _records(run("amd-smi", "metric", "--mem-usage", "--json", also_in=PLACES))
    used = {record.get("gpu"): _bytes(_at(record, "mem_usage", "used_vram")) for record in metric}
    cards: list[Card] = []
    for place, record in enumerate(static):
        number = record.get("gpu", place)
        name = clean(_at(record, "asic", "market_name") or f"AMD GPU {number}")
        target = _word(_at(record, "asic", "target_graphics_version"))
        total = _bytes(_at(record, "vram", "size"))
        cards.append((int(number), name, total, used.get(number), target, _word(_at(record, "bus", "bdf"))))
    return Told("amd-smi", cards)


def _rocm_smi(run: Run) -> Told | None:
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
    return Told("rocm-smi", cards) if cards else None


def _records(answer: ToolAnswer | None) -> list[dict[str, Any]]:
    """The list of cards; newer releases wrap it in `gpu_data`."""
    value = _json(answer)
    value = value.get("gpu_data") if isinstance(value, dict) else value
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []


def _json(answer: ToolAnswer | None) -> Any:
    """The answer as JSON; both tools may print warnings before it."""
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
    """A clean word, or None for what the tools write when they do not know."""
    text = clean(value).lower() if value else ""
    return text if text and text != "n/a" else None
