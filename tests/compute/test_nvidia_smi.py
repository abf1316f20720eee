"""`nvidia-smi`'s own output, as drivers print it, through the parser."""

from __future__ import annotations

import pytest

from ml_intern_helpers.compute import nvidia
from ml_intern_helpers.compute.gpu import Search, ToolAnswer

MIB = 1024 * 1024
H100 = "0, GPU-11111111-2222-3333-4444-555555555555, NVIDIA H100 80GB HBM3, 81559, 81001, 570.86.15, Disabled, 9.0\n"
T4 = "0, GPU-aaaa, Tesla T4, 15360, 15095, 550.54.15, [N/A], 7.5\n"
TWO_4090 = (
    "0, GPU-aaaa, NVIDIA GeForce RTX 4090, 24564, 23010, 560.35.03, [N/A], 8.9\n"
    "1, GPU-bbbb, NVIDIA GeForce RTX 4090, 24564, 512, 560.35.03, [N/A], 8.9\n"
)
MIG = "0, GPU-aaaa, NVIDIA A100-SXM4-40GB, 40960, 38000, 535.129.03, Enabled, 8.0\n"
MIG_LIST = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 1g.5gb      Device  0: (UUID: MIG-1111)
  MIG 3g.20gb     Device  1: (UUID: MIG-2222)
"""
GB10 = "0, GPU-aaaa, NVIDIA GB10, [N/A], [N/A], 580.95.05, [N/A], 12.1\n"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.54\n"
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n"
)


def search(stdout: str, code: int | None = 0, listing: str = "", stderr: str = "") -> Search | None:
    def run(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer:
        return ToolAnswer(0, listing, "") if arguments == ("-L",) else ToolAnswer(code, stdout, stderr)

    return nvidia.find_with_nvidia_smi(run)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(H100, [("NVIDIA H100 80GB HBM3", 81559 * MIB, 81001 * MIB, True)], id="h100"),
        pytest.param(T4, [("Tesla T4", 15360 * MIB, 15095 * MIB, False)], id="t4-without-bf16"),
        pytest.param(
            TWO_4090,
            [
                ("NVIDIA GeForce RTX 4090", 24564 * MIB, 23010 * MIB, True),
                ("NVIDIA GeForce RTX 4090", 24564 * MIB, 512 * MIB, True),
            ],
            id="two-4090-one-busy",
        ),
        pytest.param(GB10, [("NVIDIA GB10", None, None, True)], id="shared-memory-is-not-told"),
        pytest.param(
            "0, GPU-a, , 0, 0, 1, [N/A], [Not Supported]\n", [("NVIDIA GPU 0", None, None, None)], id="a-zero-is-no-size"
        ),
        pytest.param(
            "WARNING: infoROM is corrupted at gpu 0000:04:00.0\n" + T4,
            [("Tesla T4", 15360 * MIB, 15095 * MIB, False)],
            id="warning-line",
        ),
    ],
)
def test_cards(text: str, expected: list[tuple[str, int | None, int | None, bool | None]]) -> None:
    found = search(text)
    assert found is not None
    assert [(gpu.name, gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.bf16) for gpu in found.gpus] == expected
    assert all(gpu.usable for gpu in found.gpus)
    assert all(gpu.memory_note for gpu in found.gpus if gpu.memory_total_bytes is None)


def test_mig_instances_come_from_the_list() -> None:
    found = search(MIG, listing=MIG_LIST)
    assert found is not None
    assert [(gpu.mig, gpu.uuid, gpu.memory_total_bytes) for gpu in found.gpus] == [
        ("1g.5gb", "MIG-1111", None),
        ("3g.20gb", "MIG-2222", None),
    ]


def test_mig_mode_without_an_instance_is_unusable() -> None:
    found = search(MIG, listing="GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)\n")
    assert found is not None
    assert [gpu.usable for gpu in found.gpus] == [False]


@pytest.mark.parametrize(
    ("stdout", "code", "said"),
    [
        pytest.param(MISMATCH, 18, "version mismatch", id="driver-updated-without-reboot"),
        pytest.param(NO_DRIVER, 9, "couldn't communicate", id="no-driver"),
        pytest.param("No devices were found\n", 6, "No devices were found", id="no-devices"),
        pytest.param("", 0, "no message", id="empty"),
        pytest.param("", None, "did not end", id="hangs"),
        pytest.param("\x1b[31mred\x1b[0m\n", 1, "red", id="control-characters-go"),
    ],
)
def test_a_tool_that_fails_is_a_note_not_a_gpu(stdout: str, code: int | None, said: str) -> None:
    found = search(stdout, code)
    assert found is not None
    assert found.gpus == []
    assert said in found.notes[0]
    assert "\x1b" not in found.notes[0]


def test_an_old_driver_is_asked_again_without_the_fields_it_does_not_know() -> None:
    def run(name: str, *arguments: str, also_in: tuple[str, ...] = ()) -> ToolAnswer:
        if "compute_cap" in arguments[0]:
            return ToolAnswer(2, 'Field "compute_cap" is not a valid field to query.\n', "")
        return ToolAnswer(0, "0, GPU-a, Tesla V100-SXM2-16GB, 16160, 16000, 418.67\n", "")

    found = nvidia.find_with_nvidia_smi(run)
    assert found is not None
    [gpu] = found.gpus
    assert (gpu.name, gpu.memory_total_bytes, gpu.bf16) == ("Tesla V100-SXM2-16GB", 16160 * MIB, None)


def test_without_the_tool_there_is_nothing_to_ask() -> None:
    assert nvidia.find_with_nvidia_smi(lambda *_, **__: None) is None
