"""The tables are facts: every row is executed against the real libraries, in one process of the training environment."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.analysis import classes
from ml_intern_helpers.indexes import jobs
from ml_intern_helpers.indexes.removed import HINTS
from ml_intern_helpers.preflight.rules import (
    api107_plain_arguments,
    api109_narrow_override,
    api111_no_such_choice,
    api112_number_as_text,
    data103_generations_do_not_divide,
    data112_stream_without_end,
    hw102_attention,
    log101_disable_tqdm,
    log102_logging_strategy,
    log103_logging_first_step,
    log104_no_tracker,
    log105_trackio_space,
    save101_push_to_hub,
    save102_hub_model_id,
    save103_nothing_saved,
    save105_best_model,
    scope105_max_length,
)
from support import warm

training = pytest.mark.training
EXPECTATIONS = [
    module.EXPECTED
    for module in (
        log101_disable_tqdm,
        log102_logging_strategy,
        log103_logging_first_step,
        log104_no_tracker,
        log105_trackio_space,
        save101_push_to_hub,
        save102_hub_model_id,
        save103_nothing_saved,
    )
]
#: What rules claim -> the error's class, or what came of it.
CLAIMS = {
    **dict.fromkeys(
        (f"API101 load_dataset {name}" for name in ("use_auth_token", "ignore_verifications", "task")), "TypeError: JsonConfig"
    ),
    **dict.fromkeys((f"API109 {name}" for name in (*api109_narrow_override.GIVEN, "callback")), "TypeError: "),
    **dict.fromkeys((f"API111 {name}" for name in api111_no_such_choice.CHOICES), "ValueError: step is not a valid"),
    **dict.fromkeys((f"API111 {name} None" for name in api111_no_such_choice.CHOICES), "ValueError: None is not a valid"),
    **dict.fromkeys((f"API112 {name}" for name in api112_number_as_text.NUMBERS), "TypeError: "),
    "API112 per_device_train_batch_size": "ValueError: ",
    "API112 learning_rate with adafactor": "TypeError: ",
    "API112 num_train_epochs alone": "TypeError: ",
    "API112 TrlParser's file": "2e-05",
    **dict.fromkeys(
        (f"DATA112 {name}" for name in sorted(data112_stream_without_end.STAYING)), "ValueError: The train_dataset does not"
    ),
    **dict.fromkeys((f"DATA112 {kind}" for kind in ("SFT", "DPO", "GRPO")), "ValueError: The train_dataset does not"),
    "DATA112 max_steps": "SFTTrainer",
    "SAVE110 not evaluated": "AssertionError: EarlyStoppingCallback requires Int",
    "SAVE110 no metric": "AssertionError: EarlyStoppingCallback requires metric",
    "SAVE110 best model": "1 step",
    "SAVE110 named": "1 step",
    "SAVE110 by schedule": "1 step",
    "API110 what is gone": "trl.RLOOConfig.world_size",
    "DATA111 GRPO": "ValueError: Number of reward weights",
    "DATA111 RLOO": "ValueError: Number of reward weights",
    "API101 TrlParser's file": "ValueError: Unknown arguments from config file",
    "API101 TrlParser's option": "ValueError: Some specified arguments are not used",
    "API101 TrlParser reads": "p False True 1e-05 8",
    "API103 torch_dtype": "torch.float32",
    "API103 dtype": "torch.bfloat16",
    "API104 load_in_4bit": "TypeError",
    "API104 load_in_8bit": "TypeError",
    "API104 use_flash_attention_2": "TypeError",
    "API104 use_auth_token": "TypeError",
    "DATA101 completion_only_loss on messages": "all",
    "DATA101 assistant_only_loss on messages": "some",
    "DATA101 completion_only_loss on prompt and completion": "some",
    "DATA101 assistant_only_loss on text": "ValueError",
    "DATA102 SFT without a column it reads": "KeyError: 'text'",
    "DATA102 SFT with prompt beside messages": "KeyError: 'completion'",
    "DATA102 SFT text field": "SFTTrainer",
    "DATA102 DPO without chosen": "KeyError: 'chosen'",
    "DATA102 GRPO without prompt": "KeyError: 'prompt'",
    "DATA102 KTO without label": "ValueError",
    "DATA102 Reward without chosen": "KeyError: 'chosen'",
    "DATA103 does not divide": "ValueError: generation_batch_size",
    "DATA103 one generation": "ValueError",
    "DATA103 divides": "GRPOConfig",
    "DATA104 batch of one": "ValueError",
    "DATA104 apo_zero_unpaired": "made",
    "DATA105 no eval rows": "ValueError",
    "DATA106 no **kwargs": "TypeError",
    "DATA106 **kwargs": "trained",
    "DATA107 trust_remote_code": "loaded",
    "DATA108 a list": "AttributeError",
    "DATA108 a text": "SFTTrainer",
    **{f"API107 {trainer}": "AttributeError" for trainer in api107_plain_arguments.TRAINERS},
    "API107 SFTTrainer": "SFTTrainer",
    "LOG107 tensorboard's files": "pushed",
    "HW101 bf16 with use_cpu": "SFTConfig",
    "SAVE105 strategies differ": "ValueError",
    "HW102 a name that is none": "ValueError",
    "HW102 sdpa": "LlamaForCausalLM",
    "HW103 by name": "torch.float32",
    "SAVE106 nothing to resume": "ValueError: No valid checkpoint",
    "SAVE107 resume in the config": "1 step",
    "SAVE109 best of what": "ValueError: `args.metric_for_best_model`",
    "SAVE109 by schedule": "loss",
    "DATA110 eval_steps alone": "IntervalStrategy.NO",
    "SCOPE105 max_length by default": " ".join([str(scope105_max_length.DEFAULT)] * 4),
    "default of seed": "42",
    "SAVE105 no multiple": "ValueError",
    "SAVE105 no multiple of logging_steps": "ValueError",
    "SAVE105 a multiple": "SFTConfig",
    "SAVE105 transformers' logging_steps": str(save105_best_model.LOGGING_STEPS["transformers"]),
    "SAVE105 transformers' save_steps": str(save105_best_model.SAVE_STEPS),
    "default of logging_steps": str(save105_best_model.LOGGING_STEPS["trl"]),
    "default of save_steps": str(save105_best_model.SAVE_STEPS),
    "default of project": "huggingface",
    "default of per_device_train_batch_size": "8",
    "default of gradient_accumulation_steps": "1",
}


@cache
def told() -> dict[str, Any]:
    """What the real libraries say; asked once."""
    probe = Path(__file__).with_name("probe_knowledge.py")
    code, stdout, stderr = warm.run_training(probe, [], dict(os.environ), Path.cwd(), timeout_s=170)
    assert code == 0, stderr[-2000:]
    answer: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return answer


@training
@pytest.mark.xdist_group("knowledge")
class TestAgainstTheRealLibraries:
    """One answer of the training environment, read line by line."""

    def test_the_releases_are_those_the_tables_name(self) -> None:
        assert told()["releases"] == classes.RELEASES

    def test_what_is_put_into_scripts_as_a_fault_is_refused(self) -> None:
        assert told()["accepted_faults"] == []

    def test_what_the_indexed_libraries_need_of_each_other(self) -> None:
        assert told()["needs"] == {}

    def test_what_a_distribution_brings(self) -> None:
        assert {name: differing for name, differing in told()["closures"].items() if differing} == {}

    def test_what_an_extra_brings(self) -> None:
        assert told()["extras"] == {}

    def test_positional_arguments(self) -> None:
        assert told()["positions"] == {}

    def test_flavors_and_header_keys_are_the_clients(self) -> None:
        assert (told()["flavors"], told()["header_keys"]) == ([], [])

    def test_timeouts_are_read_as_the_client_reads_them(self) -> None:
        assert told()["timeouts"] == {}

    @pytest.mark.parametrize("claim", CLAIMS)
    def test_what_a_rule_says_happens(self, claim: str) -> None:
        assert told()["behaviours"][claim].startswith(CLAIMS[claim])

    @pytest.mark.parametrize("ask", EXPECTATIONS, ids=lambda ask: ask.name)
    def test_the_defaults_that_the_checklist_assumes(self, ask: Any) -> None:
        real = told()["behaviours"][f"default of {ask.name}"].rpartition(".")[2].lower()
        assert real in (str(ask.default).lower(), "[]" if ask.default == "none" else "")  # no tracker, after __post_init__

    @pytest.mark.parametrize("name", classes.PARSED_BESIDE)
    def test_what_stands_beside_a_config_on_the_command_line(self, name: str) -> None:
        assert told()["behaviours"][f"fields of {name}"] == " ".join(sorted(classes.PARSED_BESIDE[name]))

    def test_the_attention_implementations(self) -> None:
        assert set(told()["behaviours"]["HW102 the names"].split()) == hw102_attention.IMPLEMENTATIONS

    @pytest.mark.parametrize("name", api111_no_such_choice.CHOICES)
    def test_the_choices(self, name: str) -> None:
        assert told()["behaviours"][f"choices of {name}"] == " ".join(api111_no_such_choice.CHOICES[name])

    def test_generations_by_default(self) -> None:
        assert told()["behaviours"]["DATA103 RLOO default"] == str(data103_generations_do_not_divide.GENERATIONS["RLOOConfig"])


def test_the_names_of_what_is_gone_stand_in_one_module_only() -> None:
    """A second list would go stale: rules and the resolver ask the index, its history and its hints."""
    folder = Path(classes.__file__).parents[1]
    names = {hint.rpartition(".")[2] for hint in HINTS if hint.startswith("transformers.TrainingArguments.")}
    gone = {name for name in names if len(name) > 14} - {"attn_implementation"}
    for path in (path for path in folder.rglob("*.py") if path.name != "removed.py"):
        code = path.read_text(encoding="utf-8").split('"""', 2)[-1]  # docstrings of rules show them in examples
        assert not [name for name in gone if f'"{name}"' in code], path.name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7200", 7200),
        ("4h", 14400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("2h30m", None),
        ("90min", None),
        ("30 minutes", None),
        ("", None),
    ],
)
def test_timeout_grammar(text: str, seconds: int | None) -> None:
    assert jobs.timeout_seconds(text) == seconds
