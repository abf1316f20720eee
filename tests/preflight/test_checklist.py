"""The lines of the checklist in all their states, as the JSON report gives them, and what makes a pass of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.cli import commands
from ml_intern_helpers.preflight import registry
from ml_intern_helpers.preflight.checklist import LINES

HEADER = """# /// script
# requires-python = ">=3.11"
# dependencies = ["trl>=1.16", "trackio"]
# [tool.hf-jobs]
# flavor = "a100-large"
# timeout = "4h"
# ///
"""
GOOD = {
    "output_dir": '"out"',
    "push_to_hub": "True",
    "hub_model_id": '"me/demo"',
    "disable_tqdm": "True",
    "logging_strategy": '"steps"',
    "logging_first_step": "True",
    "report_to": '"trackio"',
    "project": '"demo"',
    "trackio_space_id": '"me/trackio"',
    "model_init_kwargs": '{"dtype": "bfloat16", "revision": "c1899de"}',
}
Answer = dict[str, Any]
Check = Callable[..., Answer]


def script(header: str = HEADER, before: str = "", after: str = "", **changes: str | None) -> str:
    """A script that passes, with arguments of its config changed, or dropped with None."""
    settings = {name: text for name, text in {**GOOD, **changes}.items() if text is not None}
    arguments = ", ".join(f"{name}={text}" for name, text in settings.items())
    return f"""{header}import os
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
{before}
rows = load_dataset("a/b", split="train", revision="0673b0b").select_columns(["messages"])
config = SFTConfig({arguments})
{after}
trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows)
trainer.train()
"""


@pytest.fixture(autouse=True)
def rules_of_the_checklist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules that the lines name, and two that find a certain crash: no other rule has a say in these tests."""
    monkeypatch.chdir(tmp_path)
    codes = {code for line in LINES for code in line.codes} | {"API101", "API102"}
    rules = {code: rule for code, rule in registry.all_rules().items() if code in codes}
    monkeypatch.setattr(registry, "all_rules", lambda without="_": rules)


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """`check(text, "--local")`: the JSON report, with `exit` and `states` (line id -> state) added."""

    def run(text: str, *options: str) -> Answer:
        (tmp_path / "train.py").write_text(text, encoding="utf-8")
        code = commands.main("preflight_check", ["train.py", "--json", *options])
        found: Answer = json.loads(capsys.readouterr().out)
        return {**found, "exit": code, "states": {item["id"]: item["state"] for item in found["checklist"]}}

    return run


def line(answer: Answer, name: str) -> Answer:
    return next(item for item in answer["checklist"] if item["id"] == name)


def test_everything_in_place_leaves_the_two_slots_no_syntax_can_fill(check: Check) -> None:
    answer = check(script())
    assert answer["exit"] == 0
    assert {name for name, state in answer["states"].items() if state != "pass"} == {"reference", "dashboard"}
    assert answer["verdict"] == "PASS with 2 slots to fill: train.py (SFT; jobs)"
    assert answer["findings"] == []


STATES = [
    ("push_to_hub", None, "fail", "SAVE101", "not set: a job's disk is lost"),
    ("push_to_hub", "False", "fail", "SAVE101", "set to False: rivals passed that"),
    ("push_to_hub", "bool(os.environ.get('HUB'))", "set_at_run_time", None, "the environment decides"),
    ("push_to_hub", "decide()", "set_at_run_time", None, "a call decides"),
    ("hub_model_id", None, "fail", "SAVE102", "not named"),
    ("hub_model_id", "''", "fail", "SAVE102", "an empty name"),
    ("hub_model_id", "os.environ['HUB']", "set_at_run_time", None, "from the environment"),
    ("disable_tqdm", None, "fail", "LOG101", "not set"),
    ("disable_tqdm", "False", "fail", "LOG101", "off"),
    ("logging_strategy", None, "pass", None, "the default is steps"),
    ("logging_strategy", "'epoch'", "fail", "LOG102", "once an epoch"),
    ("logging_strategy", "'no'", "fail", "LOG102", "never"),
    ("logging_first_step", None, "fail", "LOG103", "not set"),
    ("tracking", None, "fail", "LOG104", "report_to is none by default"),
    ("tracking", "'none'", "fail", "LOG104", "none"),
    ("tracking", "[]", "fail", "LOG104", "an empty list"),
    ("tracking", "'wandb'", "pass", None, "another tracker is the user's choice"),
    ("tracking", "'tensorboard'", "pass", None, "its files are pushed with the folder"),
    ("space", None, "fail", "LOG105", "metrics die with the container"),
    ("space", "os.environ.get('SPACE')", "set_at_run_time", None, "the environment decides"),
]
ARGUMENT = {"tracking": "report_to", "space": "trackio_space_id"}


@pytest.mark.parametrize(("name", "text", "state", "code", "about"), STATES, ids=[f"{row[0]}: {row[4]}" for row in STATES])
def test_a_line_takes_its_state_from_the_argument(
    name: str, text: str | None, state: str, code: str | None, about: str, check: Check
) -> None:
    header = HEADER.replace('"trackio"]', '"trackio", "wandb", "tensorboard"]')
    answer = check(script(header, **{ARGUMENT.get(name, name): text}))
    assert answer["states"][name] == state
    assert {finding["code"] for finding in answer["findings"]} == ({code} if code else set())
    assert answer["exit"] == (1 if code else 0)
    item = line(answer, name)
    assert item["evidence" if state == "pass" else "reason"]
    assert "train.py:" in (item["evidence"] or item["reason"])
    assert bool(item["fix"]) is (state == "fail")


def test_text_in_comments_and_strings_is_no_argument(check: Check) -> None:
    text = script(before='# push_to_hub=True\nnote = "push_to_hub=True"', push_to_hub=None)
    assert check(text)["states"]["push_to_hub"] == "fail"


def test_an_attribute_set_after_construction_counts(check: Check) -> None:
    assert check(script(after="config.push_to_hub = True", push_to_hub=None))["exit"] == 0
    assert check(script(after="config.push_to_hub = False"))["states"]["push_to_hub"] == "fail"


def test_every_trainer_must_pass(check: Check) -> None:
    second = "SFTTrainer('m', args=SFTConfig(output_dir='b'), train_dataset=rows).train()\n"
    answer = check(script() + second)
    assert answer["states"]["push_to_hub"] == "fail"
    assert answer["findings"][0]["line"] == 17


def test_a_trainer_without_args_has_the_defaults(check: Check) -> None:
    text = "from trl import SFTTrainer\ntrainer = SFTTrainer('m', train_dataset=rows)\ntrainer.train()\n"
    answer = check(text)
    assert {answer["states"][name] for name in ("push_to_hub", "disable_tqdm", "tracking")} == {"fail"}


TIMEOUTS = [
    (HEADER.replace('"4h"', '"2h"'), "pass", None, "two hours are enough"),
    (HEADER.replace('"4h"', "7200"), "pass", None, "seconds"),
    (HEADER.replace('"4h"', '"1.5h"'), "fail", "LAUNCH101", "an hour and a half"),
    (HEADER.replace('# timeout = "4h"\n', ""), "fail", "LAUNCH101", "the default of 30 minutes"),
    (HEADER.replace('"4h"', '"2h30m"'), "fail", "LAUNCH102", "two units"),
    (HEADER.replace('"4h"', '"0h"'), "fail", "LAUNCH102", "no positive time"),
]


@pytest.mark.parametrize(("header", "state", "code", "about"), TIMEOUTS, ids=[row[3] for row in TIMEOUTS])
def test_timeout(header: str, state: str, code: str | None, about: str, check: Check) -> None:
    answer = check(script(header))
    assert answer["states"]["timeout"] == state
    assert code is None or code in {finding["code"] for finding in answer["findings"]}


@pytest.mark.parametrize(
    ("steps", "smoke"),
    [("20", True), ("50", True), ("51", False), ("-1", False), ("int(os.environ.get('MAX_STEPS', -1))", False)],
)
def test_a_smoke_run_needs_no_push_and_no_timeout(steps: str, smoke: bool, check: Check) -> None:
    header = HEADER.replace('# timeout = "4h"\n', "")
    answer = check(script(header, max_steps=steps, push_to_hub=None, hub_model_id=None, trackio_space_id=None))
    assert (answer["smoke_run_steps"] is not None) is smoke
    for name in ("push_to_hub", "hub_model_id", "timeout", "space"):
        assert answer["states"][name] == ("pass" if smoke else "fail"), name


def test_local_drops_what_only_a_job_needs_and_asks_for_the_folder(check: Check, tmp_path: Path) -> None:
    text = script(header="", push_to_hub=None, hub_model_id=None, trackio_space_id=None)
    answer = check(text, "--local")
    assert answer["exit"] == 0
    assert not {"push_to_hub", "hub_model_id", "timeout", "space", "packages"} & set(answer["states"])
    assert answer["states"]["output_dir"] == "pass"
    (tmp_path / "out/checkpoint-90").mkdir(parents=True)
    (tmp_path / "out/checkpoint-100").mkdir()
    answer = check(text, "--local")
    assert (answer["exit"], answer["states"]["output_dir"]) == (0, "fill_in")
    assert [finding["code"] for finding in answer["findings"] if finding["severity"] != "info"] == ["SAVE104"]
    resumed = text.replace("trainer.train()", "trainer.train(resume_from_checkpoint=True)")
    assert check(resumed, "--local")["states"]["output_dir"] == "pass"


def test_nothing_saved(check: Check) -> None:
    assert check(script(save_strategy='"no"'))["states"]["saved"] == "fail"
    assert check(script(save_strategy='"no"', header=""), "--local")["states"]["saved"] == "fail"
    assert check(script(save_strategy='"no"') + "trainer.save_model()\n")["states"]["saved"] == "pass"


def test_a_push_by_hand_counts(check: Check) -> None:
    answer = check(script(push_to_hub=None, hub_model_id=None) + 'trainer.push_to_hub("me/demo")\n')
    assert answer["states"]["push_to_hub"] == "pass"
    mounted = HEADER.replace('# timeout = "4h"', '# timeout = "4h"\n# volumes = ["hf://buckets/me/b:/out"]')
    assert check(script(mounted, push_to_hub=None))["states"]["push_to_hub"] == "pass"


def test_packages_and_local_modules(check: Check, tmp_path: Path) -> None:
    (tmp_path / "helpers.py").touch()
    answer = check(script(before="import helpers\nimport wandb"))
    assert {finding["code"] for finding in answer["findings"]} == {"PKG101", "PKG103"}
    assert answer["states"]["packages"] == "fail"
    assert check(script(before="import helpers\nimport wandb"), "--local")["exit"] == 0


def test_columns_are_a_slot_naming_the_helper_unless_the_script_picks_them(check: Check) -> None:
    picked = '.select_columns(["messages"])'
    item = line(check(script().replace(picked, "")), "columns")
    assert (item["state"], item["reason"]) == ("fill_in", "inspect_dataset a/b --method sft must be ready")
    at_run_time = line(check(script().replace(picked, ".select_columns(pick(rows))")), "columns")
    assert at_run_time["state"] == "set_at_run_time"


def test_suppression_needs_a_reason_and_stands_in_the_report(check: Check) -> None:
    honoured = check(script(disable_tqdm="False  # preflight: ignore[LOG101] a person watches the terminal\n"))
    assert honoured["exit"] == 0
    assert honoured["suppressed"] == [{"code": "LOG101", "line": 13, "reason": "a person watches the terminal"}]
    assert "a person watches" in line(honoured, "disable_tqdm")["evidence"]
    bare = check(script(disable_tqdm="False  # preflight: ignore[LOG101]\n"))
    assert bare["exit"] == 1
    assert "needs a reason" in bare["warnings"][0]


def test_suppression_above_the_line_in_the_call_or_for_what_has_no_line(check: Check) -> None:
    absent = script(header="").replace("import os", "# preflight: ignore[LAUNCH101] the launch passes --timeout 4h\nimport os")
    assert "LAUNCH101" not in {finding["code"] for finding in check(absent)["findings"]}
    above = script(disable_tqdm=None).replace("config = ", "# preflight: ignore[LOG101] wanted\nconfig = ")
    assert check(above)["exit"] == 0
    elsewhere = script(disable_tqdm=None).replace("import os", "import os  # preflight: ignore[LOG101] wanted")
    answer = check(elsewhere)
    assert answer["exit"] == 1
    assert "suppresses nothing" in answer["warnings"][0]


COMMENT = "# preflight: ignore[API101] the image has an old release"
PLACES = {
    "behind the argument": f"config = SFTConfig(\n    max_seq_length=8,  {COMMENT}\n)",
    "above the argument": f"config = SFTConfig(\n    {COMMENT}\n    max_seq_length=8,\n)",
    "behind the call's first line": f"config = SFTConfig(  {COMMENT}\n    output_dir='out',\n    max_seq_length=8,\n)",
    "behind its last": f"config = SFTConfig(\n    max_seq_length=8,\n    output_dir='out',\n)  {COMMENT}",
    "above the call": f"{COMMENT}\nconfig = SFTConfig(\n    output_dir='out',\n    max_seq_length=8,\n)",
    "where the value stands": f"given = {{\n    'max_seq_length': 8,  {COMMENT}\n}}\n\n\nconfig = SFTConfig(**given)",
    "at the call that takes it": f"given = {{\n    'max_seq_length': 8,\n}}\n\n\nconfig = SFTConfig(**given)  {COMMENT}",
}


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_where_a_suppression_counts(text: str, check: Check) -> None:
    answer = check(f"from trl import SFTConfig, SFTTrainer\n{text}\nSFTTrainer('m', args=config).train()\n", "--local")
    assert [one["code"] for one in answer["suppressed"]] == ["API101"]
    assert "API101" not in {finding["code"] for finding in answer["findings"]}


def test_a_string_that_looks_like_a_suppression_is_none(check: Check) -> None:
    text = script(disable_tqdm="False").replace("config = ", 'x = "# preflight: ignore[LOG101] wanted"; config = ')
    assert check(text)["exit"] == 1


def test_a_config_that_cannot_be_read_is_could_not_tell(check: Check) -> None:
    text = "from setup import config\nfrom trl import SFTTrainer\nt = SFTTrainer('m', args=config)\nt.train()\nt.save_model()\n"
    answer = check(text, "--local")
    assert {answer["states"][name] for name in ("disable_tqdm", "logging_first_step", "output_dir")} == {"unknown"}
    assert all(item["reason"] for item in answer["unknowns"])
    for nothing in (answer, check(text.replace("t.save_model()\n", ""), "--local")):
        assert (nothing["exit"], nothing["status"]) == (3, "unknown")
        assert nothing["verdict"].startswith("COULD NOT TELL")


PARSED = """import trackio
from trl import SFTConfig, SFTTrainer, TrlParser
rows = load().select_columns(["messages"])
trackio.init(project="p", space_id="me/trackio")
(config,) = TrlParser((SFTConfig,)).parse_args_and_config()
{after}
trainer = SFTTrainer("m", args=config, train_dataset=rows)
trainer.train()
trainer.push_to_hub("me/demo")
"""


@pytest.mark.parametrize(
    ("config", "parser"), [("TrlParser((SFTConfig,)).parse_args_and_config()[0]", "TrlParser"), ("load()", "")]
)
def test_could_not_tell_ends_with_what_next(config: str, parser: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"""from trl import SFTConfig, SFTTrainer, TrlParser
config = {config}
trainer = SFTTrainer("m", args=config, train_dataset=rows)
trainer.train()
trainer.save_model()
"""
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    assert commands.main("preflight_check", ["train.py", "--local"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("COULD NOT TELL with ")
    assert lines[-1].startswith("next: ")
    if parser:
        assert f"through the {parser}: give --config FILE" in lines[-1]
        assert any("False by default: give --disable_tqdm" in line for line in lines), "options are named with their defaults"
    else:
        alike = [line for line in lines if line.startswith("  [ unknown] 5 lines (output folder is free, disable_tqdm=True, ")]
        assert len(alike) == 1


@pytest.mark.parametrize("options", [(), ("--local",)], ids=["jobs", "local"])
def test_lines_that_pass_without_the_config_do_not_make_a_pass(options: tuple[str, ...], check: Check) -> None:
    """A push by hand, a tracker by hand, the columns, the packages and the timeout: nothing of it is the config."""
    answer = check(HEADER + PARSED.format(after=""), *options)
    assert {answer["states"][name] for name in ("columns", "saved", "tracking")} == {"pass"}
    assert (answer["exit"], answer["status"]) == (3, "unknown")


@pytest.mark.parametrize(
    "config", ["SFTConfig(report_to='trackio', **load())", "SFTConfig(**load())\nconfig.disable_tqdm = True"]
)
def test_one_setting_that_was_read_is_enough(config: str, check: Check) -> None:
    answer = check(HEADER + PARSED.format(after=f"config = {config}"), "--local")
    assert (answer["exit"], answer["status"]) == (0, "ok")
    assert answer["states"]["logging_first_step"] == "unknown"


def test_a_loop_is_told_by_how_it_saves_and_tracks(check: Check) -> None:
    loop = "import torch, trackio\nfor b in d:\n  m(b).loss.backward()\n  o.step()\n"
    tracked = check(loop + "trackio.init(project='p')\ntorch.save(m, 'm.pt')\n", "--local")
    assert (tracked["exit"], tracked["status"]) == (0, "ok")
    written = loop + "from torch.utils.tensorboard import SummaryWriter\nSummaryWriter('runs')\ntorch.save(m, 'm.pt')\n"
    assert line(check(written, "--local"), "tracking")["state"] == "pass"


def test_tensorboard_alone_fails_on_jobs_only(check: Check) -> None:
    text = script(report_to='"tensorboard"', push_to_hub=None, header=HEADER.replace('"trackio"]', '"tensorboard"]'))
    item = line(check(text), "tracking")
    assert (item["label"], item["state"]) == ("tracked", "fail")
    assert "die with the container" in item["reason"]
    local = line(check(text, "--local"), "tracking")
    assert (local["state"], local["evidence"]) == ("pass", 'report_to="tensorboard" (train.py:13)')


TRAINS = {
    "a trainer kept on self": "from trl import SFTTrainer\nclass J:\n  def __init__(self):\n    self.t = SFTTrainer('m')\n  def go(self):\n    self.t.train()\n",
    "a trainer passed to a function": "from trl import SFTTrainer\ndef go(t):\n  t.train()\ngo(SFTTrainer('m'))\n",
    "an accelerate loop": "from accelerate import Accelerator\na = Accelerator()\nfor b in d:\n  a.backward(m(b).loss)\n  o.step()\n",
    "a plain loop": "import torch\nfor b in d:\n  m(b).loss.backward()\n  o.step()\n",
    "the trl command": "import subprocess\nsubprocess.run(['trl', 'sft', '--config', 'a.yaml'], check=True)\n",
    "the trl command as text": "import os\nos.system('trl dpo --config a.yaml')\n",
    "sentence embeddings": "from sentence_transformers import SentenceTransformerTrainer\nSentenceTransformerTrainer(model=m).train()\n",
    "Lightning": "import lightning as L\nL.Trainer().fit(model)\n",
    "a subclass": "from transformers import Trainer\nclass T(Trainer):\n  pass\nT(m).train()\n",
}  # fmt: skip
TRAINS_NOT = {
    "comments only": "# trainer = SFTTrainer('m', push_to_hub=True)\n# trainer.train()\n",
    "a string": "text = '''\nfrom trl import SFTTrainer\nSFTTrainer('m').train()\n'''\n",
    "a trainer that is never started": "from trl import SFTTrainer\ntrainer = SFTTrainer('m')\ntrainer.evaluate()\n",
    "a model in train mode": "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('m')\nmodel.train()\n",
    "an import alone": "from trl import SFTTrainer\n",
    "another library's trainer": "from chess import SFTTrainer\nSFTTrainer('m').train()\n",
    "dead code": "from trl import SFTTrainer\nif False:\n  SFTTrainer('m').train()\n",
    "inference": "from transformers import pipeline\nprint(pipeline('text-generation')('hi'))\n",
}


@pytest.mark.parametrize("text", TRAINS.values(), ids=TRAINS)
def test_training_is_recognised(text: str, check: Check) -> None:
    answer = check(text)
    assert answer["error"] is None
    assert answer["checklist"]
    assert answer["method"]


@pytest.mark.parametrize("text", TRAINS_NOT.values(), ids=TRAINS_NOT)
def test_a_script_without_training_is_never_a_pass(text: str, check: Check) -> None:
    answer = check(text)
    assert (answer["exit"], answer["status"]) == (3, "error")
    assert "holds no training I recognise" in answer["error"]["message"]


def test_a_certain_crash_counts_without_training_too(check: Check) -> None:
    answer = check("from trl import PPOTrainer\n")
    assert (answer["exit"], answer["checklist"]) == (1, [])
    assert [finding["code"] for finding in answer["findings"]] == ["API102"]
