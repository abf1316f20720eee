"""--fix: a diff that the real `patch`-like application turns into a script without those findings; the rest stays as typed."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

from support.helpers import Outcome

Helper = Callable[..., Outcome]
HEAD = "from trl import SFTConfig, SFTTrainer\n"
TAIL = "trainer = SFTTrainer('m', args=config)\ntrainer.train()\n"
WATCHED = "disable_tqdm=True, logging_first_step=True"
#: What is written -> what it becomes; everything else of the line stays.
MENDED = {
    "a rename": (f"config = SFTConfig(evaluation_strategy = 'no', {WATCHED})", f"config = SFTConfig(eval_strategy = 'no', {WATCHED})"),
    "a rename behind umlauts": (f"ä = 'ö'; config = SFTConfig(max_seq_length=8, {WATCHED})", f"ä = 'ö'; config = SFTConfig(max_length=8, {WATCHED})"),
    "a ratio keeps its value": (f"config = SFTConfig(warmup_ratio=0.03, {WATCHED})", f"config = SFTConfig(warmup_steps=0.03, {WATCHED})"),
    "a missing setting": ("config = SFTConfig('out', logging_first_step=True)", "config = SFTConfig('out', logging_first_step=True, disable_tqdm=True)"),
    "no argument yet": ("config = SFTConfig()", f"config = SFTConfig({WATCHED})"),
    "a comma at the end": ("config = SFTConfig('out',)", f"config = SFTConfig('out', {WATCHED})"),
    "brackets around a value": ("config = SFTConfig(output_dir=('out'))", f"config = SFTConfig(output_dir=('out'), {WATCHED})"),
    "lines of their own": (
        "config = SFTConfig(\n    'out',  # where, (here\n    # the end\n)",
        "config = SFTConfig(\n    'out',  # where, (here\n    disable_tqdm=True,\n    logging_first_step=True,\n    # the end\n)",
    ),
    "lines without a last comma": (
        "config = SFTConfig(\n    output_dir='out'  # where\n)",
        "config = SFTConfig(\n    output_dir='out',  # where\n    disable_tqdm=True,\n    logging_first_step=True,\n)",
    ),
    "a key of a dict": (
        f"config = SFTConfig(model_init_kwargs={{'torch_dtype': 'bfloat16', 'a': 1}}, {WATCHED})",
        f"config = SFTConfig(model_init_kwargs={{'dtype': 'bfloat16', 'a': 1}}, {WATCHED})",
    ),
    "a dict in the call": (f"config = SFTConfig(**dict(evaluation_strategy='no'), {WATCHED})", f"config = SFTConfig(**dict(eval_strategy='no'), {WATCHED})"),
    "a key in the call": (f'config = SFTConfig(**{{"evaluation_strategy": "no"}}, {WATCHED})', f'config = SFTConfig(**{{"eval_strategy": "no"}}, {WATCHED})'),
    "an argument of from_pretrained": (
        f"from transformers import AutoModel\nm = AutoModel.from_pretrained('m', use_auth_token=True)\nconfig = SFTConfig({WATCHED})",
        f"from transformers import AutoModel\nm = AutoModel.from_pretrained('m', token=True)\nconfig = SFTConfig({WATCHED})",
    ),
    "both in one call": ("config = SFTConfig(evaluation_strategy='no')", f"config = SFTConfig(eval_strategy='no', {WATCHED})"),
}  # fmt: skip
LEFT = {
    "several answers": f"config = SFTConfig(overwrite_output_dir=True, {WATCHED})",
    "another value is wanted": f"config = SFTConfig(push_to_hub_organization='me', {WATCHED})",
    "the new name is taken": f"config = SFTConfig(evaluation_strategy='no', eval_strategy='no', {WATCHED})",
    "the key is taken": f"config = SFTConfig(**{{'evaluation_strategy': 'no', 'eval_strategy': 'no'}}, {WATCHED})",
    "a key of many parts": f"config = SFTConfig(**{{'evaluation_' 'strategy': 'no'}}, {WATCHED})",
    "not the same value": f"from trl import GRPOConfig\nc = GRPOConfig(max_length=8, {WATCHED})\nconfig = SFTConfig({WATCHED})",
    "behind a name": f"d = {{'evaluation_strategy': 'no'}}\nconfig = SFTConfig(**d, {WATCHED})",
    "behind a dict": f"d = dict(evaluation_strategy='no')\nconfig = SFTConfig(**d, {WATCHED})",
    "switched off on purpose": "config = SFTConfig(disable_tqdm=False, logging_first_step=True)",
    "more settings than can be seen": "config = SFTConfig(**load())",
    "suppressed": "config = SFTConfig(disable_tqdm=True)  # preflight: ignore[LOG103] quiet",
}


def script(text: str) -> str:
    return HEAD + text + "\n" + TAIL


def unified(before: str, after: str) -> str:
    return "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/train.py", "b/train.py"))


@pytest.mark.parametrize(("text", "wanted"), MENDED.values(), ids=MENDED)
def test_mended(text: str, wanted: str, helper: Helper, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script(text), encoding="utf-8")
    done = helper("preflight_check", "train.py", "--local", "--fix", cwd=tmp_path)
    assert done.stdout == unified(script(text), script(wanted))


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_left_alone(text: str, helper: Helper, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script(text), encoding="utf-8")
    done = helper("preflight_check", "train.py", "--local", "--fix", cwd=tmp_path)
    assert (done.stdout.strip(), "fixes 0 of " in done.stderr) == ("", True)


def test_the_process_prints_a_diff_and_writes_nothing(helper: Helper, tmp_path: Path) -> None:
    before, after = (script(text) for text in MENDED["both in one call"])
    path = tmp_path / "train.py"
    path.write_text(before, encoding="utf-8")
    done = helper("preflight_check", "train.py", "--local", "--fix", cwd=tmp_path)
    assert done.stdout == unified(before, after)
    assert done.code == 1, "the script as it is still fails"
    assert "3 of " in done.stderr
    assert path.read_text(encoding="utf-8") == before


def test_a_token_is_never_printed_in_a_diff(helper: Helper, tmp_path: Path) -> None:
    secret = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA2c4E6"
    text = f"{HEAD}login('{secret}')\n{MENDED['a rename'][0]}\n{TAIL}"
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    done = helper("preflight_check", "train.py", "--local", "--fix", cwd=tmp_path)
    assert (done.code, secret in done.stdout + done.stderr) == (3, False)


@pytest.mark.parametrize("form", ["--json", "--human", "--sarif"])
def test_two_forms_are_refused(form: str, helper: Helper, tmp_path: Path) -> None:
    assert helper("preflight_check", "x.py", "--fix", form, cwd=tmp_path).code == 2


def test_a_notebook_is_refused(helper: Helper, tmp_path: Path) -> None:
    cell = '{"cells": [{"cell_type": "code", "source": "from trl import SFTTrainer\\nt = SFTTrainer(1)\\nt.train()"}]}'
    (tmp_path / "nb.ipynb").write_text(cell, encoding="utf-8")
    assert helper("preflight_check", "nb.ipynb", "--fix", cwd=tmp_path).code == 2
