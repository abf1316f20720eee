"""Faults put into clean scripts on purpose: how many are found, and what is called a fault that is none."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.faults import kinds
from preflight.faults.kinds import KINDS
from preflight.faults.lookalikes import LOOKALIKES
from preflight.faults.measure import Case, Found, cases, codes, compare, judged
from support.helpers import Outcome
from support.training import training_python

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


PROBE = """
import importlib, inspect, json, sys, warnings
warnings.simplefilter("ignore")
names, modules, configs, trainers, calls, choices = json.loads(sys.argv[1])
taken = []
def there(module, name):
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False
def takes(made, name):
    try:
        inspect.signature(made).bind_partial(**{name: None})
    except TypeError:
        return False
    return True
taken += [f"{module}.{name}" for module, name in names if there(module, name)]
for module in modules:
    try:
        importlib.import_module(module)
        taken.append(module)
    except ImportError:
        pass
import trl, peft
for method in ("SFT", "DPO", "GRPO", "KTO", "Reward"):
    taken += [f"{method}Config.{name}" for name in configs if takes(getattr(trl, method + "Config"), name)]
    taken += [f"{method}Trainer.{name}" for name in trainers if takes(getattr(trl, method + "Trainer"), name)]
for call, name in calls:
    module, _, last = call.rpartition(".")
    if takes(getattr(importlib.import_module(module), last), name):
        taken.append(f"{call}.{name}")
for name, value in choices:
    try:
        trl.SFTConfig("out", use_cpu=True, **{name: value})
        taken.append(f"{name}={value}")
    except ValueError as err:
        assert f"{value} is not a valid" in str(err), err
print(json.dumps(taken))
"""


@pytest.mark.training
def test_what_is_put_in_is_refused_by_the_real_libraries() -> None:
    calls = [(call, wrong.partition("=")[0]) for call, (_, wrong) in kinds.CALLS.items()]
    calls += [("peft.LoraConfig", name) for name in kinds.LORA]
    choices = [(name, value) for name, values in kinds.NO_CHOICES.items() for value in values]
    asked = json.dumps([kinds.NAMES, kinds.MODULES, list(kinds.CONFIG), list(kinds.TRAINER), calls, choices])
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([training_python(), "-c", PROBE, asked], env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
