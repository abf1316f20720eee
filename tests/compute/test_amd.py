"""AMD GPUs from the kernel's files and from both of AMD's tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml_intern_helpers.compute import amd
from ml_intern_helpers.compute.gpu import ToolAnswer

GIB = 1024**3
BUS = 0x2F00  # bus 2f, device 0, function 0


def kernel(root: Path, *, total: int = 192 * GIB, used: int = 2 * GIB, version: int = 90402, vendor: str = "0x1002") -> Path:
    """A file system as the `amdgpu` driver shows one card; `/dev/kfd` included."""
    device = root / "sys/devices/pci0000:20/0000:2f:00.0"
    files = {"vendor": vendor, "device": "0x74a1", "mem_info_vram_total": str(total), "mem_info_vram_used": str(used)}
    device.mkdir(parents=True)
    for name, text in files.items():
        (device / name).write_text(text + "\n")
    for name in ("card1", "card1-DP-1"):
        (root / "sys/class/drm" / name).mkdir(parents=True)
        (root / "sys/class/drm" / name / "device").symlink_to(device)
    node = root / "sys/class/kfd/kfd/topology/nodes/1"
    node.mkdir(parents=True)
    (node / "properties").write_text(f"cpu_cores_count 0\ngfx_target_version {version}\nlocation_id {BUS}\ndomain 0\n")
    (root / "dev").mkdir()
    (root / "dev/kfd").write_text("")
    return root


def tool(**answers: object) -> object:
    """A runner in which `amd_smi_static=…` and the like are the only tools there are."""

    def run(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer | None:
        key = name.replace("-", "_") + (f"_{arguments[0]}" if name == "amd-smi" else "")
        return ToolAnswer(0, str(answers[key]), "") if key in answers else None

    return run


AMD_STATIC = [
    {
        "gpu": 0,
        "asic": {"market_name": "AMD Instinct MI300X", "target_graphics_version": "gfx942"},
        "bus": {"bdf": "0000:2f:00.0"},
        "vram": {"size": {"value": 196592, "unit": "MB"}},
    }
]
AMD_METRIC = [{"gpu": 0, "mem_usage": {"used_vram": {"value": 285, "unit": "MB"}}}]
ROCM = {
    "card0": {
        "VRAM Total Memory (B)": str(64 * GIB),
        "VRAM Total Used Memory (B)": str(GIB),
        "Card Series": "AMD Instinct MI250X",
        "GFX Version": "gfx90a",
        "PCI Bus": "0000:2F:00.0",
    },
    "system": {"Driver version": "6.7"},
}


@pytest.mark.parametrize(
    ("version", "target", "bf16"),
    [
        pytest.param(90402, "gfx942", True, id="mi300"),
        pytest.param(90010, "gfx90a", True, id="mi250-hexadecimal"),
        pytest.param(110000, "gfx1100", True, id="7900-xtx"),
        pytest.param(100300, "gfx1030", None, id="rdna2-not-known-to-have-it"),
    ],
)
def test_the_kernel_tells_memory_and_architecture(tmp_path: Path, version: int, target: str, bf16: bool | None) -> None:
    search = amd.find(tool(), kernel(tmp_path, version=version))  # type: ignore[arg-type]
    assert search is not None
    assert search.source == "sysfs"
    [gpu] = search.gpus
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (192 * GIB, 190 * GIB)
    assert (gpu.architecture, gpu.bf16, gpu.name, gpu.usable) == (target, bf16, f"AMD GPU ({target})", True)


def test_a_tool_adds_the_name_by_bus_address(tmp_path: Path) -> None:
    search = amd.find(tool(amd_smi_static=json.dumps(AMD_STATIC)), kernel(tmp_path))  # type: ignore[arg-type]
    assert search is not None
    assert search.gpus[0].name == "AMD Instinct MI300X"


def test_a_processors_graphics_unit_does_not_count(tmp_path: Path) -> None:
    search = amd.find(tool(), kernel(tmp_path, total=512 * 1024**2, used=0))  # type: ignore[arg-type]
    assert search is not None
    assert not search.gpus[0].usable
    assert "processor" in str(search.gpus[0].unusable_reason)


def test_without_the_compute_device_it_cannot_be_used(tmp_path: Path) -> None:
    root = kernel(tmp_path)
    (root / "dev/kfd").unlink()
    search = amd.find(tool(), root)  # type: ignore[arg-type]
    assert search is not None
    assert "/dev/kfd" in str(search.gpus[0].unusable_reason)


@pytest.mark.parametrize("wrapped", [pytest.param(False, id="list"), pytest.param(True, id="wrapped-in-gpu_data")])
def test_amd_smi_alone(tmp_path: Path, wrapped: bool) -> None:
    static = {"gpu_data": AMD_STATIC} if wrapped else AMD_STATIC
    run = tool(amd_smi_static="WARNING: user is not in group\n" + json.dumps(static), amd_smi_metric=json.dumps(AMD_METRIC))
    search = amd.find(run, tmp_path)  # type: ignore[arg-type]
    assert search is not None
    [gpu] = search.gpus
    assert (search.source, gpu.name, gpu.architecture) == ("amd-smi", "AMD Instinct MI300X", "gfx942")
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (196592 * 1024**2, (196592 - 285) * 1024**2)


def test_rocm_smi_alone(tmp_path: Path) -> None:
    search = amd.find(tool(rocm_smi=json.dumps(ROCM)), tmp_path)  # type: ignore[arg-type]
    assert search is not None
    [gpu] = search.gpus
    assert (gpu.name, gpu.memory_total_bytes, gpu.memory_free_bytes) == ("AMD Instinct MI250X", 64 * GIB, 63 * GIB)


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"card0": "N/A"}', '[{"gpu": "N/A"}]'[:5]])
def test_a_tool_that_tells_nothing_is_no_gpu(tmp_path: Path, text: str) -> None:
    assert amd.find(tool(rocm_smi=text, amd_smi_static=text), tmp_path) is None  # type: ignore[arg-type]


def test_unknown_memory_is_null_with_a_reason(tmp_path: Path) -> None:
    search = amd.find(tool(rocm_smi=json.dumps({"card0": {"Card Series": "x"}})), tmp_path)  # type: ignore[arg-type]
    assert search is not None
    assert (search.gpus[0].memory_total_bytes, search.gpus[0].memory_free_bytes) == (None, None)
    assert search.gpus[0].memory_note


def test_another_vendors_card_is_not_taken(tmp_path: Path) -> None:
    assert amd.find(tool(), kernel(tmp_path, vendor="0x8086")) is None  # type: ignore[arg-type]
