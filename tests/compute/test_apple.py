"""Apple silicon, from the answers of `sysctl` and `vm_stat`."""

from __future__ import annotations

import pytest

from ml_intern_helpers.compute import gpus
from ml_intern_helpers.compute.gpu import Run, ToolAnswer

GIB = 1024**3
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            900000.
Pages inactive:                          200000.
Pages speculative:                        50000.
Pages wired down:                        300000.
"""


def mac(**changes: str) -> Run:
    facts = {"hw.optional.arm64": "1", "hw.memsize": str(64 * GIB), "machdep.cpu.brand_string": "Apple M3 Max", **changes}

    def run(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer:
        return ToolAnswer(0, VM_STAT if name == "vm_stat" else facts.get(arguments[1], "") + "\n", "")

    return run


def test_the_memory_is_the_systems() -> None:
    search = gpus.find_apple("arm64", "14.5", mac())
    assert search is not None
    [gpu] = search.gpus
    assert (gpu.name, gpu.backend, gpu.unified_memory, gpu.usable) == ("Apple M3 Max", "mps", True, True)
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (64 * GIB, 350000 * 16384)
    assert "shared" in str(gpu.memory_note)


@pytest.mark.parametrize(("macos", "bf16"), [("14.0", True), ("15.1", True), ("26.0", True), ("13.6", False), ("", None)])
def test_bf16_goes_by_the_release_of_macos(macos: str, bf16: bool | None) -> None:
    assert gpus.find_apple("arm64", macos, mac()).gpus[0].bf16 is bf16


def test_a_translated_python_cannot_reach_the_gpu() -> None:
    [gpu] = gpus.find_apple("x86_64", "14.5", mac()).gpus
    assert not gpu.usable
    assert "arm64 Python" in str(gpu.unusable_reason)


def test_an_intel_mac_has_none() -> None:
    search = gpus.find_apple("x86_64", "13.0", mac(**{"hw.optional.arm64": ""}))
    assert search is not None
    assert search.gpus == []
    assert "Intel" in search.notes[0]


def test_silent_tools_leave_figures_unknown() -> None:
    def silent(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer | None:
        return ToolAnswer(0, "1\n", "") if arguments[1:] == ("hw.optional.arm64",) else None

    [gpu] = gpus.find_apple("arm64", "14.0", silent).gpus
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.name) == (None, None, "Apple silicon")
