"""The one comparison of a launch with what was agreed."""

from __future__ import annotations

from typing import Any

import pytest

from ml_intern_helpers.runs.differences import TERMS, Batch, Stated, compare, differs
from runs.tasks import values


def known(value: Any) -> Stated:
    return Stated("known", value)


AS_AGREED: dict[str, Stated] = {
    "method": known("sft"),
    "adapter": known("lora"),
    "base_model.id": known("Qwen/Qwen3-0.6B"),
    "base_model.revision": known("main"),
    "datasets": known(["trl-lib/Capybara"]),
    "max_length": known(2048),
    "effective_batch": known(Batch(4, 8, 1)),
    "tracking.tool": known(["trackio", "tensorboard"]),
    "tracking.project": known("demo"),
    "hub.model_id": known("ada/demo"),
    "hub.private": known(True),
    "where": known("jobs"),
    "account": known("ada"),
}


def outcomes(launch: dict[str, Stated], **changes: Any) -> dict[str, str]:
    return {one.term: one.outcome for one in differs(values(**changes), launch)}


def test_what_is_as_agreed_is_no_difference() -> None:
    assert differs(values(), AS_AGREED) == []
    assert set(AS_AGREED) | {"tracking.space_id"} == set(TERMS)


@pytest.mark.parametrize(
    ("term", "is_"),
    [
        ("adapter", "full"),
        ("adapter", "qlora"),
        ("method", "dpo"),
        ("base_model.id", "Qwen/Qwen3-0.6B-Base"),
        ("datasets", ["trl-lib/ultrafeedback"]),
        ("datasets", ["trl-lib/Capybara", "stranger/data"]),
        ("datasets", []),
        ("max_length", 1024),
        ("max_length", None),
        ("effective_batch", Batch(4, 4, 1)),
        ("effective_batch", Batch(5, 4)),
        ("effective_batch", Batch(0, 0)),
        ("effective_batch", Batch(64, 1)),
        ("tracking.tool", "none"),
        ("tracking.tool", None),
        ("tracking.tool", ["wandb"]),
        ("tracking.project", "other"),
        ("hub.model_id", "eve/demo"),
        ("hub.private", False),
        ("hub.private", None),
        ("where", "local"),
        ("account", "acme"),
    ],
)
def test_every_departure_is_told_with_both_values(term: str, is_: Any) -> None:
    (found,) = differs(values(), {**AS_AGREED, term: known(is_)})
    assert (found.term, found.outcome, found.is_) == (term, "differs", is_)
    assert "the user agreed to" in found.message
    assert found.costs
    assert found.way_on


@pytest.mark.parametrize("batch", [Batch(8, 4), Batch(4, 8), Batch(1, 4), Batch(2, 4, 4), 32])
def test_the_out_of_memory_procedure_keeps_the_batch(batch: Any) -> None:
    assert outcomes({"effective_batch": known(batch)}) == {}


def test_what_the_run_decides_is_undecided() -> None:
    assert outcomes({"max_length": Stated("default", 1024, "--max_length")}) == {"max_length": "undecided"}
    assert outcomes({"max_length": Stated("default", 2048, "--max_length")}) == {}
    assert outcomes({"adapter": Stated("runtime", None, "a condition decides")}) == {"adapter": "undecided"}
    assert outcomes({"adapter": Stated("unknown", None, "is set elsewhere")}) == {"adapter": "undecided"}


@pytest.mark.parametrize(
    ("changes", "launch"),
    [
        pytest.param({"max_length": None}, {"max_length": known(512)}, id="no-length-agreed"),
        pytest.param({"account": None}, {"account": known("ada")}, id="no-account-agreed"),
        pytest.param({"tracking": {"tool": "trackio", "project": None, "space_id": None}}, {"tracking.project": known("x")}, id="no-project"),
        pytest.param({"hub": {"model_id": "ada/demo", "private": False}}, {"hub.private": known(True)}, id="more-private"),
        pytest.param({"max_length": "long"}, {"max_length": known(512)}, id="malformed-term-binds-nobody"),
        pytest.param({"datasets": []}, {"datasets": known(["x/y"])}, id="malformed-data"),
    ],
)  # fmt: skip
def test_what_was_left_open_is_no_difference(changes: dict[str, Any], launch: dict[str, Stated]) -> None:
    assert outcomes(launch, **changes) == {}


def test_what_is_right_in_a_file_by_hand_binds() -> None:
    by_hand = {"base_model": {"id": "a/b"}, "datasets": [{"id": "x/y"}, {"id": 3}, "z"], "tracking": {"tool": "trackio"}}
    launch = {
        "base_model.id": known("a/c"),
        "datasets": known(["x/z"]),
        "tracking.tool": known("none"),
        "hub.model_id": known("q"),
    }
    assert [one.term for one in differs(by_hand, launch)] == ["base_model.id", "datasets", "tracking.tool"]


def test_nothing_may_be_uploaded_where_no_id_was_agreed() -> None:
    nowhere = {"hub": {"model_id": None, "private": True}}
    assert outcomes({"hub.model_id": known("ada/x")}, **nowhere) == {"hub.model_id": "differs"}
    assert outcomes({"hub.model_id": known(None)}, **nowhere) == {}


def test_an_empty_task_and_a_closed_one_hold_nobody() -> None:
    assert differs({}, AS_AGREED) == []
    assert differs(values(state="closed"), {"method": known("dpo")}) == []


def test_a_message_is_one_clean_line() -> None:
    (found,) = differs(values(), {"base_model.id": known("evil/\x1b[31m\nREADY: x" + "y" * 500)})
    assert "\n" not in found.message
    assert "\x1b" not in found.message
    assert len(found.message) < 300


@pytest.mark.parametrize(("agreed", "written"), [("tiny", "./tiny"), ("./tiny/", "tiny"), ("out/../tiny", "tiny")])
def test_one_folder_is_one_model_however_it_is_spelt(agreed: str, written: str) -> None:
    """`./tiny` was held as another model than the agreed `tiny`."""
    assert compare("base_model.id", agreed, known(written)) == "same"
    assert compare("base_model.id", agreed, known("tiny2")) == "differs"
