"""NVML: the real bindings, with the driver's functions replaced one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from ml_intern_helpers.compute import nvidia

GIB = 1024**3


class Card:
    """What a driver knows of one card; `None` makes the question fail as NVML does for devices that do not know it."""

    def __init__(
        self, name: str, total: int | None, free: int | None = None, capability: tuple[int, int] | None = (8, 0)
    ) -> None:
        self.name, self.total, self.free, self.capability = name, total, free, capability
        self.mig: list[Card] | None = None


def _or_unsupported(value: Any) -> Any:
    if value is None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
    return value


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Card]], None]:
    """`driver([cards])` makes NVML tell of those cards."""

    def install(cards: list[Card]) -> None:
        functions = {
            "nvmlInit": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: "580.65.06",
            "nvmlSystemGetCudaDriverVersion_v2": lambda: 13000,
            "nvmlDeviceGetCount": lambda: len(cards),
            "nvmlDeviceGetHandleByIndex": lambda index: cards[index],
            "nvmlDeviceGetName": lambda card: card.name,
            "nvmlDeviceGetUUID": lambda card: f"GPU-{card.name}",
            "nvmlDeviceGetMemoryInfo": lambda card: SimpleNamespace(total=_or_unsupported(card.total), free=card.free),
            "nvmlDeviceGetCudaComputeCapability": lambda card: _or_unsupported(card.capability),
            "nvmlDeviceGetMigMode": lambda card: [int(card.mig is not None)] * 2,
            "nvmlDeviceGetMaxMigDeviceCount": lambda card: 7,
            "nvmlDeviceGetMigDeviceHandleByIndex": lambda card, place: _or_unsupported(dict(enumerate(card.mig)).get(place)),
        }
        monkeypatch.setattr(nvidia.ctypes, "CDLL", lambda name: None)  # the driver is installed
        for name, function in functions.items():
            monkeypatch.setattr(pynvml, name, function)

    return install


@pytest.mark.parametrize(
    ("card", "bf16"),
    [
        pytest.param(Card("Tesla T4", 15 * GIB, 14 * GIB, (7, 5)), False, id="turing-has-no-bf16"),
        pytest.param(Card("NVIDIA A100-SXM4-80GB", 80 * GIB, 79 * GIB, (8, 0)), True, id="ampere-is-the-first"),
        pytest.param(Card("NVIDIA H100 80GB HBM3", 80 * GIB, 79 * GIB, (9, 0)), True, id="hopper"),
        pytest.param(Card("NVIDIA B200", 180 * GIB, 180 * GIB, (10, 0)), True, id="two-digit-major"),
        pytest.param(Card("old", 4 * GIB, GIB, None), None, id="not-told-is-unknown"),
    ],
)
def test_a_card_is_told_with_memory_capability_and_bf16(driver: Callable[..., None], card: Card, bf16: bool | None) -> None:
    driver([card])
    search = nvidia.find_with_nvml()
    assert search is not None
    assert (search.source, search.driver_version, search.cuda_version) == ("nvml", "580.65.06", "13.0")
    [gpu] = search.gpus
    assert (gpu.name, gpu.memory_total_bytes, gpu.memory_free_bytes) == (card.name, card.total, card.free)
    assert gpu.bf16 is bf16
    assert gpu.bf16_basis
    assert gpu.usable


@pytest.mark.parametrize("total", [pytest.param(None, id="not-supported"), pytest.param(0, id="zero-is-no-size")])
def test_memory_that_the_driver_does_not_tell_is_null_with_a_reason(driver: Callable[..., None], total: int | None) -> None:
    driver([Card("NVIDIA GB10", total, 0, (12, 1))])
    [gpu] = nvidia.find_with_nvml().gpus  # type: ignore[union-attr]
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (None, None)
    assert "does not report the memory" in str(gpu.memory_note)


def test_in_mig_mode_the_instances_are_the_devices(driver: Callable[..., None]) -> None:
    card = Card("NVIDIA A100-SXM4-40GB", 40 * GIB, 40 * GIB)
    card.mig = [
        Card("NVIDIA A100-SXM4-40GB MIG 1g.5gb", 5 * GIB, 4 * GIB),
        Card("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20 * GIB, 20 * GIB),
    ]
    driver([card])
    gpus = nvidia.find_with_nvml().gpus  # type: ignore[union-attr]
    assert [(gpu.mig, gpu.index, gpu.memory_total_bytes) for gpu in gpus] == [("1g.5gb", 0, 5 * GIB), ("3g.20gb", 0, 20 * GIB)]
    assert all(gpu.usable and gpu.compute_capability == "8.0" for gpu in gpus)


def test_mig_mode_without_an_instance_leaves_nothing_to_use(driver: Callable[..., None]) -> None:
    card = Card("NVIDIA H100 80GB HBM3", 80 * GIB, 80 * GIB, (9, 0))
    card.mig = []
    driver([card])
    [gpu] = nvidia.find_with_nvml().gpus  # type: ignore[union-attr]
    assert not gpu.usable
    assert "no instance exists" in str(gpu.unusable_reason)


def test_a_driver_without_a_gpu_is_said(driver: Callable[..., None]) -> None:
    driver([])
    search = nvidia.find_with_nvml()
    assert search is not None
    assert search.gpus == []
    assert "no GPU is visible" in search.notes[0]


def test_a_card_lost_by_the_driver_is_listed_as_unusable(driver: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    driver([Card("gone", GIB, GIB)])

    def lost(index: int) -> Card:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lost)
    [gpu] = nvidia.find_with_nvml().gpus  # type: ignore[union-attr]
    assert (gpu.usable, gpu.memory_total_bytes) == (False, None)
    assert "lost" in str(gpu.unusable_reason).lower()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "version", id="updated-without-reboot"),
        pytest.param(pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "driver", id="module-not-loaded"),
    ],
)
def test_a_driver_that_fails_is_a_note_not_a_gpu(monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(code)

    monkeypatch.setattr(nvidia.ctypes, "CDLL", lambda name: None)  # the driver is installed
    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    search = nvidia.find_with_nvml()
    assert search is not None
    assert search.gpus == []
    assert said in search.notes[0].lower()


def test_a_driver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia.ctypes, "CDLL", lambda name: None)  # the driver is installed
    monkeypatch.setattr(nvidia, "LIMIT_S", 0.1)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: time.sleep(5))
    started = time.monotonic()
    search = nvidia.find_with_nvml()
    assert search is not None
    assert "did not answer" in search.notes[0]
    assert time.monotonic() - started < 2


def test_without_the_library_there_is_nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "LIBRARY", "libno-such-library.so.1")
    assert nvidia.find_with_nvml() is None
