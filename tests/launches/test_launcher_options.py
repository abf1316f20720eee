"""The stored options are what the launchers themselves have, and the prices cover every flavor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ml_intern_helpers.indexes.job_prices import prices
from ml_intern_helpers.indexes.jobs import FLAVORS
from support.helpers import ROOT
from support.training import training_python


def check(python: Path) -> subprocess.CompletedProcess[str]:
    call = [str(python), str(ROOT / "scripts/gen_launch_options"), "--check"]
    return subprocess.run(call, capture_output=True, text=True, check=False)


def test_the_options_of_hf_and_uv_are_current() -> None:
    done = check(Path(sys.executable))
    assert done.returncode == 0, done.stdout
    kept = {line.split()[1] for line in done.stderr.splitlines() if "is kept" in line}
    assert not kept & {"hf_options", "hf_arguments", "uv_run"}, done.stderr


@pytest.mark.training
def test_the_options_of_accelerate_torchrun_and_trl_are_current() -> None:
    done = check(training_python())
    assert done.returncode == 0, done.stdout
    kept = {line.split()[1] for line in done.stderr.splitlines() if "is kept" in line}
    assert not kept & {"accelerate", "torchrun", "trl"}, done.stderr


def test_every_flavor_has_a_price() -> None:
    assert set(prices().usd_per_hour) == set(FLAVORS)
    assert all(price > 0 for price in prices().usd_per_hour.values())
