"""What a failed run is told: the next rung of the procedure, the helper that knows, never a guess."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from guard.events import JOB, SUBMIT, URL, Project, bash, failed
from ml_intern_helpers.guard.failure_diagnosis import MOST_LINES, Failure, diagnosed
from support.helpers import ROOT
from support.training import training_python

OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 22.06 GiB"
COMMAND = "python train.py"


def script(method: str = "SFT", **settings: object) -> str:
    """A training script with these settings in its config."""
    arguments = "".join(f", {name}={value!r}" for name, value in settings.items())
    more = "reward_funcs=reward, " if method == "GRPO" else ""
    return (
        f"from datasets import load_dataset\nfrom trl import {method}Config, {method}Trainer\n"
        "def reward(completions, **_):\n    return [0.0 for _ in completions]\n"
        "rows = load_dataset('trl-lib/Capybara', split='train')\n"
        f"config = {method}Config(output_dir='out'{arguments})\n"
        f"{method}Trainer('Qwen/Qwen3-0.6B', {more}args=config, train_dataset=rows).train()\n"
    )


def after(project: Project, output: str, *, text: str | None = None, command: str = COMMAND, code: int = 1) -> str:
    (project.folder / "train.py").write_text(script() if text is None else text)
    return project.context("post_tool_use", failed(command, output, code=code))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        pytest.param(
            {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 4},
            "per_device_train_batch_size 8 -> 4, gradient_accumulation_steps 4 -> 8 (effective batch 32",
            id="8x4-becomes-4x8",
        ),
        pytest.param({}, "per_device_train_batch_size 8 -> 4, gradient_accumulation_steps 1 -> 2", id="the-defaults"),
        pytest.param(
            {"per_device_train_batch_size": 15, "gradient_accumulation_steps": 2},
            "per_device_train_batch_size 15 -> 5, gradient_accumulation_steps 2 -> 6 (effective batch 30",
            id="odd-batch-keeps-the-product",
        ),
        pytest.param(
            {"per_device_train_batch_size": 1, "gradient_checkpointing": False},
            "activation_checkpointing=True",
            id="checkpointing-off",
        ),
        pytest.param({"per_device_train_batch_size": 1}, "stop and ask", id="nothing-left-here"),
    ],
)
def test_out_of_memory_gets_the_next_rung(project: Project, settings: dict[str, object], wanted: str) -> None:
    said = after(project, OOM, text=script(**settings))
    assert wanted in said
    assert "not without the user: LoRA" in said
    assert len(said.splitlines()) <= MOST_LINES


def test_kto_keeps_two_rows(project: Project) -> None:
    text = script("KTO", per_device_train_batch_size=4, gradient_accumulation_steps=1)
    assert "4 -> 2" in after(project, OOM, text=text)
    assert "stop and ask" in after(project, OOM, text=script("KTO", per_device_train_batch_size=2))


def test_grpo_keeps_the_product_that_divides(project: Project) -> None:
    said = after(project, OOM, text=script("GRPO", per_device_train_batch_size=8, num_generations=8))
    assert "8 -> 4, gradient_accumulation_steps 1 -> 2" in said
    assert "num_generations stay" in said


@pytest.mark.parametrize(
    ("flavor", "wanted"),
    [
        pytest.param("a10g-small", "a10g-small -> a100-large", id="one-larger-card-first"),
        pytest.param("a100-large", "a100-large -> a100x4", id="then-sharded"),
        pytest.param("l40sx4", "l40sx4 -> a100x4", id="several-to-several"),
        pytest.param("a100x8", "a100x8 is the largest", id="the-end"),
    ],
)
def test_job_goes_to_a_bigger_card(project: Project, flavor: str, wanted: str) -> None:
    command = f"hf jobs uv run --flavor {flavor} --timeout 4h train.py"
    output = f"id={JOB} name=x url={URL}\n{OOM}\nError: Job {JOB} finished with stage 'ERROR'"
    project.reserve(command)
    assert wanted in after(project, output, text=script(per_device_train_batch_size=1), command=command)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        pytest.param("KeyError: 'text'", "inspect_dataset trl-lib/Capybara --method sft", id="columns"),
        pytest.param("TypeError: SFTConfig.__init__() got an unexpected keyword argument 'max_seq_length'",
                     "api_lookup SFTConfig.max_seq_length", id="argument"),
        pytest.param("ImportError: cannot import name 'PPOConfig' from 'trl' (/x/trl/__init__.py)", "api_lookup trl.PPOConfig", id="name"),
        pytest.param("ModuleNotFoundError: No module named 'flash_attn'", "flash_attn is not installed", id="module"),
        pytest.param("ValueError: Your setup doesn't support bf16/gpu.", "fp16=True", id="bf16"),
        pytest.param("RuntimeError: No CUDA GPUs are available", "detect_compute", id="no-gpu"),
        pytest.param("GatedRepoError: 403 Client Error. Access to model meta-llama/X is restricted", "licence", id="gated"),
        pytest.param("401 Client Error: Unauthorized for url: https://huggingface.co/api", "hf auth whoami", id="401"),
        pytest.param("OSError: [Errno 28] No space left on device", "save_total_limit", id="disk"),
        pytest.param("{'loss': 'nan', 'grad_norm': 'nan'}\nKilled by the watchdog", "not a number", id="nan"),
        pytest.param("requests.exceptions.ConnectionError: Max retries exceeded with url", "Try the same once more", id="network"),
        pytest.param("Command timed out after 10m", "run_in_background", id="time-limit-of-the-call"),
        pytest.param("\x1b[31mKeyError: 'text\x1b[0m'\nKeyError: 'text'", "inspect_dataset", id="colours"),
    ],
)  # fmt: skip
def test_failure_names_the_way_on(project: Project, output: str, wanted: str) -> None:
    said = after(project, output)
    assert wanted in said
    assert said.startswith("ml-intern: ")
    assert len(said.splitlines()) <= MOST_LINES
    assert "\x1b" not in said


@pytest.mark.parametrize(("code", "wanted"), [(124, "timeout"), (137, "own memory")])
def test_exit_code_alone_says_enough(project: Project, code: int, wanted: str) -> None:
    assert wanted in after(project, "Killed", code=code)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        pytest.param(COMMAND, "AssertionError: something of the script's own", id="unknown-error"),
        pytest.param("pytest -q", "KeyError: 'text'", id="no-launch"),
        pytest.param("python prepare.py", "KeyError: 'text'", id="trains-nothing"),
        pytest.param("cat train.log", OOM, id="a-log-of-nobody"),
    ],
)
def test_nothing_is_guessed(project: Project, command: str, output: str) -> None:
    (project.folder / "prepare.py").write_text("print({}['text'])\n")
    assert after(project, output, command=command) == ""


def test_script_without_training_is_told_of_wrong_names(project: Project) -> None:
    (project.folder / "evaluate.py").write_text("from trl import PPOConfig\n")
    output = "ImportError: cannot import name 'PPOConfig' from 'trl' (/x/trl/__init__.py)"
    assert "api_lookup" in after(project, output, command="python evaluate.py")


def test_failed_job_is_explained_when_its_log_is_read(project: Project) -> None:
    (project.folder / "train.py").write_text(script(per_device_train_batch_size=4))
    project.reserve()
    project.fire("post_tool_use", bash(SUBMIT, f"id={JOB} name=x url={URL}\n"))
    trace = f"Traceback (most recent call last):\n  File 'train.py', line 7\n{OOM}\n"
    said = project.context("post_tool_use", bash(f"hf jobs logs {JOB}", trace))
    assert "4 -> 2" in said


def test_log_that_goes_well_is_no_failure(project: Project) -> None:
    project.reserve()
    project.fire("post_tool_use", bash(SUBMIT, f"id={JOB} name=x url={URL}\n"))
    said = project.context("post_tool_use", bash(f"hf jobs logs {JOB}", "ConnectionError, retrying\n{'loss': '1.9'}\n"))
    assert len(said.splitlines()) == 1


def test_guard_off_says_nothing(project: Project) -> None:
    (project.folder / "train.py").write_text(script())
    assert project.fire("post_tool_use", failed(COMMAND, OOM), ML_INTERN_GUARD="off") is None


@pytest.mark.parametrize("text", ["(" * 50_000, "KeyError: '" * 20_000, "id=" * 100_000, "a" * 2_000_000, "loss: " * 100_000])
def test_hostile_output_takes_no_time(text: str) -> None:
    start = time.process_time()
    diagnosed(Failure(text, 1))
    assert time.process_time() - start < 2


REFUSED = {
    "from trl import SFTConfig; SFTConfig(output_dir='x', max_seq_length=5)": "SFTConfig has no argument max_seq_length",
    "from trl import NoSuchTrainer": "trl has no NoSuchTrainer",
    "import trl; trl.nothing_here": "trl has no nothing_here",
    "import torch; torch.zeros(1).cuda()": "no GPU was found",
    "from datasets import Dataset; Dataset.from_dict({'a': [1]}).map(lambda row: {'b': row['text']})": "do not have the columns",
    "from datasets import Dataset; Dataset.from_dict({'a': [1]}).select_columns(['text'])": "do not have the columns",
    "from trl import SFTConfig; SFTConfig(output_dir='x')": "no bf16",
    "from huggingface_hub import HfApi; HfApi(endpoint='http://127.0.0.1:9').model_info('a/b')": "the connection failed",
}


@pytest.mark.training
def test_what_the_libraries_really_print_is_recognised(tmp_path: Path) -> None:
    """Each is run in one process, for the imports take seconds."""
    code = (
        "import json, sys, traceback\nfound = []\nfor code in json.load(sys.stdin):\n    try:\n        exec(code)\n"
        "        found.append('nothing was raised')\n    except Exception:\n        found.append(traceback.format_exc())\n"
        "json.dump(found, open('found.json', 'w'))\n"
    )
    given = json.dumps(list(REFUSED))
    subprocess.run(
        [training_python(), "-c", code], input=given, text=True, cwd=tmp_path, timeout=180, check=True, capture_output=True
    )
    printed = json.loads((tmp_path / "found.json").read_text())
    for text, (source, wanted) in zip(printed, REFUSED.items(), strict=True):
        assert wanted in "\n".join(diagnosed(Failure(text, 1))), (source, text[-800:])


def test_documents_and_procedure_agree() -> None:
    """The order of the cards is the skill's."""
    skill = (ROOT / "skills/ml-intern/SKILL.md").read_text()
    assert "`a100-large`, then sharded `a100x4` → `a100x8`" in skill
