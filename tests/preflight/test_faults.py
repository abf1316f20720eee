"""Faults put into clean scripts on purpose: how many are found, and what is called a fault that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.faults.kinds import KINDS
from preflight.faults.lookalikes import LOOKALIKES
from preflight.faults.measure import Case, Found, cases, codes, compare, judged
from support.helpers import Outcome

SEED, EACH = 20261123, 6


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, Found]]:
    folder = tmp_path_factory.mktemp("faults")
    return [(case, judged(case, folder)) for case in cases(SEED, EACH)]


def test_recall_and_false_alarms(results: list[tuple[Case, Found]], record_property: Callable[[str, object], None]) -> None:
    result = compare(results)
    record_property("faults", str(result))
    print(result)
    assert len(KINDS) >= 20
    assert len(LOOKALIKES) >= 12
    assert (result.missed, result.false) == ([], []), str(result)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_found_by_luck(kind: str, results: list[tuple[Case, Found]]) -> None:
    """Every kind has its own cases, and the line that a finding names is the one with the fault."""
    own = [(case, found) for case, found in results if case.name.rpartition(" ")[0] == kind]
    assert len(own) == EACH
    assert all(found == {(case.code, case.line)} for case, found in own)


@pytest.mark.parametrize(
    "name", ["config_argument 0", "import_of_a_name 0", "model_argument 0", "as_it_should_be 0", "guarded_import 0"]
)
def test_the_command_says_the_same(name: str, helper: Callable[..., Outcome], tmp_path: Path) -> None:
    case = next(case for case in cases(SEED, 1) if case.name == name)
    script = tmp_path / "train.py"
    script.write_text(case.text, encoding="utf-8")
    answer = helper("preflight_check", str(script), "--json").json
    found = {(one["code"], one["line"]) for one in answer["findings"] if one["code"] in codes()}
    assert found == ({(case.code, case.line)} if case.code else set())
