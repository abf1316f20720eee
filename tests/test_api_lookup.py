"""`api_lookup` through the real process: what it answers, in how much text, and with which exit code."""

from __future__ import annotations

import json
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from support.helpers import ROOT, Outcome
from support.wheels import make_wheel

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/api_lookup.v1.json").read_text(encoding="utf-8")))
Helper = Callable[..., Outcome]


def lookup(helper: Helper, *arguments: str, **environment: str) -> Outcome:
    """The JSON answer, held against its schema."""
    done = helper("api_lookup", *arguments, "--json", **environment)
    SCHEMA.validate(done.json)
    return done


def test_a_config_own_arguments_first(helper: Helper) -> None:
    done = helper("api_lookup", "SFTConfig")
    lines = done.stdout.splitlines()
    assert done.code == 0
    assert lines[0].startswith("trl.SFTConfig: class in trl 1.16.0 (trl/trainer/sft_config.py), 135 arguments")
    assert any(line.startswith("  max_length=1024  # ") for line in lines)
    own, inherited = (
        next(at for at, line in enumerate(lines) if text in line) for text in ("packing=", "from transformers.Train")
    )
    assert own < inherited
    assert "--all" in done.stdout
    assert len(done.stdout) < 7000, "small enough to be read before every line of code"


def test_all_leaves_nothing_out(helper: Helper) -> None:
    done = helper("api_lookup", "SFTConfig", "--all")
    assert "  warmup_steps: float = 0" in done.stdout
    assert "[transformers.TrainingArguments]" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.endswith("]")]) == 135


ANSWERS = [
    ("trl.SFTConfig.max_length", "argument", "trl.trainer.sft_config"),
    ("SFTConfig.learning_rate", "argument", "trl.trainer.sft_config"),
    ("Trainer.train", "method", "transformers.trainer"),
    ("transformers.Trainer.train.resume_from_checkpoint", "argument", "transformers.trainer"),
    ("AutoModelForCausalLM.from_pretrained", "method", "transformers.models.auto.modeling_auto"),
    ("LoraConfig", "class", "peft.tuners.lora.config"),
    ("get_peft_model", "function", "peft.mapping_func"),
    ("trl.experimental", "module", "trl.experimental"),
    ("ORPOTrainer", "class", "trl.experimental.orpo.orpo_trainer"),
    ("run_uv_job", "function", "huggingface_hub.hf_api"),
    ("transformers.LlamaForCausalLM", "name", "transformers.models.llama.modeling_llama"),
    ("datasets.Dataset.map", "method", "datasets.arrow_dataset"),
    ("trackio.init.project", "argument", "trackio"),
]


def test_what_things_are(helper: Helper) -> None:
    """In one call: several names, each by the shape that people write."""
    done = lookup(helper, *(query for query, _, _ in ANSWERS))
    assert done.code == 0
    found = [(item["query"], item["entries"][0]["kind"], item["entries"][0]["module"]) for item in done.json["results"]]
    assert found == ANSWERS
    files = {item["query"]: item["entries"][0]["file"] for item in done.json["results"]}
    assert files["trl.experimental"] == "trl/experimental/__init__.py"
    assert files["LoraConfig"] == "peft/tuners/lora/config.py"


def test_an_argument(helper: Helper) -> None:
    (argument,) = lookup(helper, "trl.GRPOConfig.num_generations").json["results"][0]["entries"][0]["arguments"]
    assert (argument["name"], argument["default"], argument["required"], argument["from"]) == (
        "num_generations",
        "8",
        False,
        "trl.GRPOConfig",
    )
    assert argument["doc"]


GONE = [
    ("trl.SFTConfig.max_seq_length", "removed in trl 0.20.0 (last in 0.19.1); instead: write max_length="),
    ("SFTConfig.evaluation_strategy", "instead: write eval_strategy="),
    ("DataCollatorForCompletionOnlyLM", "instead: SFTConfig(completion_only_loss=True)"),
    ("trl.PPOTrainer", "moved to trl.experimental.ppo.PPOTrainer in trl 0.29.1, gone from there after "),
    ("trl.ORPOTrainer", "now trl.experimental.orpo.ORPOTrainer"),
    ("Trainer.tokenizer", "instead: write processing_class="),
    ("trl.core.LengthSampler", "removed in trl 0.25.1"),
    ("transformers.AutoModelForCausalLM.from_pretrained.load_in_4bit", "instead: quantization_config=BitsAndBytesConfig"),
]


@pytest.mark.parametrize(("query", "told"), GONE, ids=[query for query, _ in GONE])
def test_what_is_gone_says_since_when_and_what_instead(helper: Helper, query: str, told: str) -> None:
    done = helper("api_lookup", query)
    assert done.code == 1
    assert f"{query}: does not exist in " in done.stdout
    assert told in done.stdout


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("SFTConfg", "trl.SFTConfig"),
        ("trl.SFTTrainr", "trl.SFTTrainer"),
        ("trl.SFTConfig.max_lenght", "trl.SFTConfig.max_length"),
        ("loraconfig", "peft.LoraConfig"),
    ],
)
def test_did_you_mean(helper: Helper, query: str, meant: str) -> None:
    done = lookup(helper, query)
    assert (done.code, done.json["status"]) == (1, "failed")
    assert done.json["results"][0]["similar"][0] == meant
    assert f"did you mean: {meant}" in helper("api_lookup", query).stdout


UNKNOWN = [
    ("AutoModelForCausalLM.from_pretrained.nonsense", "takes **kwargs"),
    ("transformers.LlamaForCausalLM.nonsense", "are not indexed"),
]


@pytest.mark.parametrize(("query", "why"), UNKNOWN)
def test_what_nobody_can_tell_is_not_called_missing(helper: Helper, query: str, why: str) -> None:
    done = lookup(helper, query)
    assert (done.code, done.json["status"]) == (3, "unknown")
    assert why in done.json["results"][0]["unknown"]
    assert "could not tell" in helper("api_lookup", query).stdout


def test_keywords_behind_kwargs(helper: Helper) -> None:
    done = helper("api_lookup", "AutoModelForCausalLM.from_pretrained.dtype", "AutoModelForCausalLM.from_pretrained")
    assert done.code == 0
    assert "taken out of **kwargs" in done.stdout
    assert "device_map" in done.stdout


def test_one_missing_among_several_fails_and_answers_all(helper: Helper) -> None:
    done = helper("api_lookup", "trl.SFTTrainer", "trl.Nonsense")
    assert done.code == 1
    assert "trl.SFTTrainer: class" in done.stdout
    assert "trl.Nonsense: does not exist in trl 1.16.0" in done.stdout


def test_a_name_of_two_packages_is_listed(helper: Helper, tmp_path: Path) -> None:
    names = [entry["name"] for entry in lookup(helper, "DistributedType").json["results"][0]["entries"]]
    assert names == ["accelerate.DistributedType"], "borrowed by others, defined once"
    done = helper("api_lookup", "login", "push_to_hub")
    assert done.code in (0, 1)
    several = [
        r
        for r in lookup(helper, "Trace", "Repository", "delete_folder", "Dataset", "list_datasets").json["results"]
        if len(r["entries"]) > 1
    ]
    for result in several:
        assert len({entry["module"] for entry in result["entries"]}) == len(result["entries"])


def test_grep(helper: Helper) -> None:
    done = lookup(helper, "--grep", "^max_(seq_)?length$")
    assert done.code == 0
    assert "trl.SFTConfig.max_length" in done.json["matches"]
    assert done.json["matches_total"] == len(done.json["matches"]) < 40
    offered = lookup(helper, "--grep", "chat_template").json["matches"]
    assert offered.index("trl.clone_chat_template") < offered.index("trl.SFTConfig.chat_template_path")
    many = helper("api_lookup", "--grep", "token")
    assert len(many.stdout.splitlines()) == 42
    assert "more: --all, or a narrower pattern" in many.stdout
    assert helper("api_lookup", "--grep", "zzzzqq").code == 1


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, str]:
    """Settings under which pip and uv know two releases of trl."""
    for version, argument in (("0.19.1", "max_seq_length"), ("0.20.0", "max_length")):
        text = f"class SFTConfig:\n    def __init__(self, {argument}=512): ...\n"
        make_wheel(tmp_path / "shelf", "trl", version, {"__init__.py": "from .c import SFTConfig", "c.py": text})
    place = str(tmp_path / "shelf")
    return {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "PIP_FIND_LINKS": place, "UV_FIND_LINKS": place}


def test_other_releases_beside_each_other(helper: Helper, shelf: dict[str, str]) -> None:
    arguments = ("trl.SFTConfig.max_seq_length", "--release", "trl==0.19.1", "--release", "trl==0.20.0")
    done = lookup(helper, *arguments, **shelf)
    assert [result["found"] for result in done.json["results"]] == [True, False]
    assert done.json["releases"]["trl"] == ["0.19.1", "0.20.0"]
    assert done.code == 1
    assert any("inherited arguments are those of transformers" in warning for warning in done.json["warnings"])
    assert helper("api_lookup", *arguments, "--offline").code == 1, "cached now"


def test_an_installed_environment(helper: Helper, shelf: dict[str, str], tmp_path: Path) -> None:
    import zipfile

    venv.create(tmp_path / "venv", with_pip=False)
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    zipfile.ZipFile(tmp_path / "shelf/trl-0.19.1-py3-none-any.whl").extractall(site)
    done = lookup(helper, "SFTConfig", "--python", str(tmp_path / "venv/bin/python"))
    assert done.code == 0
    assert done.json["releases"] == {"trl": ["0.19.1"]}


MISUSE = [
    ([], "neither a name nor --grep"),
    (["not a name!"], "is not a valid name"),
    (["trl.", "x"], "is not a valid name"),
    (["--grep", "("], "regular expression"),
    (["SFTConfig", "--release", "trl"], "is not PACKAGE==VERSION"),
    (["SFTConfig", "--release", "numpy==1"], "is not indexed"),
    (["SFTConfig", "--release", "trl==newest"], "is not a release"),
    (["SFTConfig", "--python", "/nonexistent/python"], "does not run as a Python"),
]


@pytest.mark.parametrize(("arguments", "told"), MISUSE, ids=[told for _, told in MISUSE])
def test_misuse(helper: Helper, arguments: list[str], told: str) -> None:
    done = lookup(helper, *arguments)
    assert done.code == 2
    assert told in done.json["error"]["message"]
    assert done.json["error"]["hint"]


def test_offline_could_not_tell(helper: Helper) -> None:
    done = lookup(helper, "SFTConfig", "--release", "trl==0.12.2", "--offline")
    assert done.code == 3
    assert "offline" in done.json["error"]["message"]


def test_hostile_names_are_cleaned(helper: Helper) -> None:
    done = helper("api_lookup", "\x1b[31mSFTConfig\u202e")
    assert done.code == 2
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


def test_runs_on_a_bare_python(helper: Helper) -> None:
    """Standard library alone: the launcher starts it with -S."""
    import subprocess
    import sys

    command = [sys.executable, "-I", "-S", str(ROOT / "src/ml_intern_helpers/__main__.py"), "api_lookup", "SFTConfig"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
