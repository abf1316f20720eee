"""What CUDA_VISIBLE_DEVICES and AMD's variables leave to a training process."""

from __future__ import annotations

import pytest

from ml_intern_helpers.compute import gpus
from ml_intern_helpers.compute.gpu import Gpu


def cards(count: int, backend: str = "cuda", names: tuple[str, ...] = ()) -> list[Gpu]:
    return [
        Gpu(number, (names or ("card",) * count)[number], "nvidia", backend, 1, 1, True, "", uuid=f"GPU-{number}abc-def")  # type: ignore[arg-type]
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        pytest.param("0", [0], id="one"),
        pytest.param("1,0", [0, 1], id="order-changes-nothing-here"),
        pytest.param(" 1 , 2 ", [1, 2], id="blanks"),
        pytest.param("", [], id="empty-hides-all"),
        pytest.param("-1", [], id="minus-one-hides-all"),
        pytest.param("0,9,1", [0], id="cuda-stops-at-the-first-unknown"),
        pytest.param("NoDevFiles", [], id="word"),
        pytest.param("GPU-1abc", [1], id="uuid-prefix"),
        pytest.param("GPU-", [], id="ambiguous-prefix"),
        pytest.param("0,0", [0], id="twice"),
    ],
)
def test_selection(value: str, left: list[int]) -> None:
    marked, notes = gpus.apply_visibility(cards(3), {"CUDA_VISIBLE_DEVICES": value})
    assert [gpu.index for gpu in marked if gpu.usable] == left
    assert all("CUDA_VISIBLE_DEVICES" in str(gpu.unusable_reason) for gpu in marked if not gpu.usable)
    assert notes == [f"CUDA_VISIBLE_DEVICES={value!r}: {len(left)} of 3 devices visible"] or value.startswith(" ")


def test_without_the_variable_nothing_changes() -> None:
    assert gpus.apply_visibility(cards(2), {}) == (cards(2), [])


def test_amds_own_variable_comes_before_cudas() -> None:
    marked, _ = gpus.apply_visibility(cards(2, "rocm"), {"HIP_VISIBLE_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "0"})
    assert [gpu.index for gpu in marked if gpu.usable] == [1]


def test_unlike_cards_by_number_get_the_warning_about_order() -> None:
    pair = cards(2, names=("RTX 4090", "GT 1030"))
    assert "CUDA_DEVICE_ORDER" in gpus.apply_visibility(pair, {"CUDA_VISIBLE_DEVICES": "0"})[1][1]
    assert len(gpus.apply_visibility(pair, {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})[1]) == 1


def test_the_value_is_a_strangers_text() -> None:
    marked, notes = gpus.apply_visibility(cards(1), {"CUDA_VISIBLE_DEVICES": "\x1b[2J\u202eevil"})
    assert "\x1b" not in notes[0] + str(marked[0].unusable_reason)
