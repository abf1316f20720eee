"""A trainer or config that a module beside the script builds: what the script uses of it is judged, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.analysis.options import Options
from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.examine import Examination, examine
from support.helpers import Outcome

COMMON = """from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
def rows():
    return load_dataset("a/b", split="train")
def build_config(out="out"):
    return SFTConfig(output_dir=out, max_seq_length=8)
def build_trainer():
    return SFTTrainer("m", args=build_config(), train_dataset=rows(), tokenizer=None)
def unused():
    return SFTConfig(evaluation_strategy="no")
if __name__ == "__main__":
    SFTConfig(no_cuda=True)
"""
CONFIG, TRAINER, UNUSED = ("common.py", 6), ("common.py", 8), ("common.py", 10)
OWN = "from trl import SFTConfig, SFTTrainer\n"
USES = {
    "a function that builds the trainer, and what that calls": (
        "from common import build_trainer\nbuild_trainer().train()\n", {CONFIG, TRAINER}
    ),
    "through the module": ("import common\ntrainer = common.build_trainer()\ntrainer.train()\n", {CONFIG, TRAINER}),
    "renamed, in a function": (
        "from common import build_trainer as make\ndef main():\n    make().train()\nmain()\n", {CONFIG, TRAINER}
    ),
    "the config alone": (f"{OWN}from common import build_config\nSFTTrainer('m', args=build_config()).train()\n", {CONFIG}),
    "everything": ("from common import *\nbuild_trainer().train()\n", {CONFIG, TRAINER, UNUSED}),
    "nothing of what is wrong": (f"{OWN}from common import rows\nSFTTrainer('m', train_dataset=rows()).train()\n", set()),
    "an import that never runs": (f"{OWN}if False:\n    from common import build_trainer\nSFTTrainer('m').train()\n", set()),
    "a module of that name elsewhere": (f"{OWN}from other.common import build_trainer\nSFTTrainer('m').train()\n", set()),
}  # fmt: skip


def looked_at(folder: Path, script: str, common: str = COMMON, about: Options | None = None) -> Examination:
    (folder / "common.py").write_text(common, encoding="utf-8")
    (folder / "train.py").write_text(script, encoding="utf-8")
    return examine(read_source(folder / "train.py"), "local", options=about or Options())


@pytest.mark.parametrize(("script", "places"), USES.values(), ids=USES)
def test_what_the_script_uses_is_judged(script: str, places: set[tuple[str, int]], tmp_path: Path) -> None:
    found = looked_at(tmp_path, script)
    told = [one for one in found.findings if one.code == "API101"]
    assert {(Path(one.file or "").name, one.line) for one in told} == places
    assert all(one.evidence and one.fix for one in told), "evidence comes from the module's own lines"


def test_a_reason_in_the_module_counts(tmp_path: Path) -> None:
    common = COMMON.replace("max_seq_length=8)", "max_seq_length=8)  # preflight: ignore[API101] patched below")
    found = looked_at(tmp_path, USES["the config alone"][0], common)
    assert not [one for one in found.findings if one.code == "API101"]


def test_the_releases_are_those_of_the_script(tmp_path: Path) -> None:
    """Its block decides; the module has none."""
    block = '# /// script\n# dependencies = ["trl<1"]\n# ///\n'
    found = looked_at(tmp_path, block + USES["the config alone"][0])
    assert not [one for one in found.findings if one.code == "API101"]


def test_where_it_is_built_is_said(helper: Callable[..., Outcome], tmp_path: Path) -> None:
    looked_at(tmp_path, USES["through the module"][0])
    done = helper("preflight_check", str(tmp_path / "train.py"), "--local")
    assert done.code == 1
    assert "train.py (SFT, built in common.py; local)" in done.stdout
    right = COMMON.replace("max_seq_length", "max_length").replace(", tokenizer=None", "")
    training = looked_at(tmp_path, USES["through the module"][0], right).context.training
    assert (training.kind, training.why_not) == ("none", "its SFTTrainer is built in common.py (line 8)")
