"""The recipes: each trains the tiny model, on the shapes that popular datasets have, offline, and is what `hf jobs` takes."""

from __future__ import annotations

import ast
import csv
import functools
import json
import re
import sqlite3
import subprocess
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.helpers import ROOT, clean_environment
from support.hub import Hub
from support.training import training_python

RECIPES = ROOT / "skills/ml-intern/recipes"
EXAMPLES = ROOT / "examples"
DRIVER = ROOT / "tests/support/train_recipes.py"
NAMES = ("sft", "dpo", "grpo", "kto", "reward")
QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "PYTHONWARNINGS": "ignore"}
#: Several OpenMP threads that wait for each other on a busy machine made these tiny steps ten times slower.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
Rows = list[dict[str, Any]]

pytestmark = [pytest.mark.xdist_group("recipes"), pytest.mark.timeout(400)]  # fourteen trainings in one fixture
training = pytest.mark.training


def rows_of(name: str) -> Rows:
    return [json.loads(line) for line in (EXAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def answered() -> Rows:
    """The example chats without the one that nobody answered: TRL refuses to train on replies there are none of."""
    return [row for row in rows_of("chat") if any(turn["role"] == "assistant" for turn in row["messages"])]


def ultrachat() -> Rows:
    return [{"prompt": row["messages"][0]["content"], "prompt_id": str(number), **row} for number, row in enumerate(answered())]


def completions() -> Rows:
    return [{"prompt": row["question"], "completion": " " + row["answer"], "source": "units"} for row in rows_of("prompts")]


def ultrafeedback() -> Rows:
    """A prompt string beside two full conversations, and columns nobody asked for."""
    return [
        {
            "prompt": row["prompt"][0]["content"],
            "chosen": row["prompt"] + row["chosen"],
            "rejected": row["prompt"] + row["rejected"],
            "score_chosen": 8.5,
        }
        for row in rows_of("preferences")
    ]


def orca() -> Rows:
    """Plain strings under `question`, with a system prompt that is often empty."""
    return [
        {
            "system": "Answer briefly." if number % 2 else "",
            "question": row["prompt"][0]["content"],
            "chosen": row["chosen"][0]["content"],
            "rejected": row["rejected"][0]["content"],
        }
        for number, row in enumerate(rows_of("preferences"))
    ]


def labelled() -> Rows:
    rows = [(row["prompt"], row[side], side == "chosen") for row in rows_of("preferences") for side in ("chosen", "rejected")]
    return [{"prompt": prompt, "completion": completion, "label": label, "origin": "x"} for prompt, completion, label in rows]


def strings_labelled() -> Rows:
    """KTO rows of plain strings, as a CSV file can hold them."""
    return [row | {key: row[key][-1]["content"] for key in ("prompt", "completion")} for row in labelled()]


#: name -> (recipe, rows, further arguments); a name ending in CSV is written as such a file.
RUNS: dict[str, tuple[str, Callable[[], Rows], tuple[str, ...]]] = {
    "sft on messages": ("sft", answered, ()),
    "sft with LoRA": ("sft", answered, ("--lora",)),
    "sft on ultrachat's shape": ("sft", ultrachat, ()),
    "sft on prompt and completion": ("sft", completions, ()),
    "sft on KTO rows, CSV": ("sft", strings_labelled, ()),
    "dpo on prompt, chosen, rejected": ("dpo", lambda: rows_of("preferences"), ()),
    "dpo on ultrafeedback's shape, LoRA": ("dpo", ultrafeedback, ("--lora",)),
    "dpo on orca's shape": ("dpo", orca, ()),
    "kto on preference pairs": ("kto", lambda: rows_of("preferences"), ()),
    "kto on ultrafeedback's shape": ("kto", ultrafeedback, ()),
    "kto on labels, LoRA": ("kto", labelled, ("--lora",)),
    "reward on pairs": ("reward", lambda: rows_of("preferences"), ()),
    "reward on ultrafeedback's shape, LoRA": ("reward", ultrafeedback, ("--lora",)),
    "grpo on gsm8k's shape": ("grpo", lambda: rows_of("prompts"), ()),
    "grpo with LoRA": ("grpo", lambda: rows_of("prompts"), ("--lora",)),
}
STEPS = 3


def write_rows(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)


class Lab:
    """A folder with the tiny model, and what came of each run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: dict[str, Any] = {}

    def environment(self, **extra: str) -> dict[str, str]:
        home = {"HF_HOME": str(self.folder / "hf"), "TRACKIO_DIR": str(self.folder / "trackio"), "HF_HUB_OFFLINE": "1"}
        return clean_environment(self.folder, **(QUIET | ONE_THREAD | home | extra))

    def python(self, *arguments: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run the training environment's Python in the lab's folder."""
        return subprocess.run(
            [training_python(), *arguments],
            cwd=self.folder,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=380,
            check=False,
        )

    def job(self, name: str) -> dict[str, Any]:
        recipe, rows, more = RUNS[name]
        data, output = self.folder / f"{name}.{'csv' if name.endswith('CSV') else 'jsonl'}", self.output(name)
        write_rows(data, rows())
        small = ("--batch", "8", "--max-length", "32" if recipe == "grpo" else "128", "--project", recipe)
        arguments = ["--model", str(self.folder / "tiny"), "--dataset", str(data), "--output", str(output), *small, *more]
        kind = "reward" if recipe == "reward" else "chat"
        return {"name": name, "script": str(RECIPES / f"{recipe}.py"), "arguments": arguments, "max_steps": STEPS, "kind": kind}

    def output(self, name: str) -> Path:
        return self.folder / f"out {name}"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The tiny model, made by the shipped script."""
    lab = Lab(tmp_path_factory.mktemp("recipes lab"))
    done = lab.python(EXAMPLES / "make_tiny_model.py", "--output", lab.folder / "tiny")
    assert done.returncode == 0, done.stderr
    return lab


@pytest.fixture(scope="session")
def trained(lab: Lab) -> Lab:
    """Every run of RUNS, in one process."""
    jobs = lab.folder / "JOBS.json"
    resumed = lab.job("sft on messages")
    resumed |= {"name": "sft resumed", "max_steps": STEPS + 2, "arguments": [*resumed["arguments"], "--resume", "--project", ""]}
    jobs.write_text(json.dumps([*map(lab.job, RUNS), resumed]), encoding="utf-8")
    done = lab.python(DRIVER, jobs)
    assert done.returncode == 0, done.stderr
    lab.results = json.loads((lab.folder / "RESULTS.json").read_text(encoding="utf-8"))
    return lab


def logged(log: str) -> list[dict[str, float]]:
    """The metric lines of a training log; transformers 5 prints the numbers as strings."""
    lines = [ast.literal_eval(line) for line in log.splitlines() if line.startswith("{'")]
    return [{key: float(value) for key, value in line.items()} for line in lines]


@training
@pytest.mark.parametrize("name", RUNS)
def test_a_recipe_trains_and_saves_a_model_that_works(trained: Lab, name: str) -> None:
    result = trained.results[name]
    assert result["error"] is None
    lines = logged(result["log"])
    assert len([line for line in lines if "loss" in line]) == STEPS, "MAX_STEPS is the number of updates, each one logged"
    assert any("eval_loss" in line for line in lines)
    assert result["loaded"], "the saved folder loads and answers"
    adapter = (trained.output(name) / "adapter_config.json").exists()
    assert adapter == ("--lora" in RUNS[name][2])


@training
def test_sft_learns_no_undesirable_answer(trained: Lab) -> None:
    assert trained.results["sft on KTO rows, CSV"]["rows"] == sum(row["label"] for row in labelled())


@training
def test_the_reward_model_gives_numbers(trained: Lab) -> None:
    for name in RUNS:
        if name.startswith("reward"):
            good, poor = trained.results[name]["loaded"]
            assert good != poor


@training
def test_the_lora_reward_model_keeps_its_trained_head(trained: Lab) -> None:
    """Without `score` in the adapter, loading would draw a new random head."""
    saved = trained.output("reward on ultrafeedback's shape, LoRA") / "adapter_model.safetensors"
    assert b"score" in saved.read_bytes()[:20_000]


@training
def test_preferences_have_their_prompt(trained: Lab) -> None:
    """All three shapes hold the same pairs: an ignored `question` would give shorter rows."""
    tokens = {
        name: logged(trained.results[name]["log"])[0]["num_tokens"]
        for name in ("dpo on prompt, chosen, rejected", "dpo on orca's shape")
    }
    assert tokens["dpo on orca's shape"] >= tokens["dpo on prompt, chosen, rejected"]
    same = logged(trained.results["dpo on ultrafeedback's shape, LoRA"]["log"])[0]["num_tokens"]
    assert same == tokens["dpo on prompt, chosen, rejected"]


@training
def test_trackio_keeps_the_metrics_of_every_run(trained: Lab) -> None:
    for recipe in NAMES:
        runs = [name for name in RUNS if RUNS[name][0] == recipe]
        with sqlite3.connect(trained.folder / f"trackio/{recipe}.db") as db:
            rows = [(run, json.loads(metrics)) for run, metrics in db.execute("select run_name, metrics from metrics")]
        losses = [run for run, metrics in rows if "train/loss" in metrics]
        assert len(losses) == STEPS * len(runs)
        assert len(set(losses)) == len(runs), "one Trackio run per training run"


@training
def test_nothing_is_pushed_without_a_hub_id(trained: Lab) -> None:
    assert {name: result["pushes"] for name, result in trained.results.items()} == dict.fromkeys([*RUNS, "sft resumed"], False)


@training
def test_as_a_process_on_a_hub_dataset_with_a_push(lab: Lab) -> None:
    """`python sft.py`, rows and model from the Hub, the result to the Hub, private, with its card; no extra Space."""
    with Hub() as hub:
        chats = "".join(json.dumps(row) + "\n" for row in ultrachat()).encode()
        hub.add("dataset", "ada/chats", {"train_sft.jsonl": chats})
        hub.add("model", "ada/tiny", {path.name: path.read_bytes() for path in (lab.folder / "tiny").iterdir()})
        done = lab.python(
            *(RECIPES / "sft.py", "--model", "ada/tiny", "--dataset", "ada/chats", "--split", "train[:40]"),
            *("--hub-id", "ada/tuned", "--output", "out pushed", "--batch", "8", "--max-length", "128", "--project", "pushed"),
            MAX_STEPS="2",
            HF_HUB_OFFLINE="0",
            HF_ENDPOINT=hub.url,
            HF_TOKEN=hub.token,
            HF_HUB_DISABLE_XET="1",
        )
        assert done.returncode == 0, done.stderr[-3000:]
        tuned = hub.repo("model", "ada/tuned")
        assert tuned.private
        assert {"model.safetensors", "tokenizer.json", "config.json", "README.md"} <= set(tuned.files)
        assert tuned.files["model.safetensors"] == (lab.folder / "out pushed/model.safetensors").read_bytes()
        assert {kind for kind, _ in hub.repos} == {"dataset", "model"}, "a push must not make a Space"


@training
def test_resume_goes_on_where_the_last_checkpoint_stands(trained: Lab) -> None:
    assert trained.results["sft resumed"]["error"] is None
    assert len([line for line in logged(trained.results["sft resumed"]["log"]) if "loss" in line]) == 2


def test_the_grpo_reward_reads_the_last_number() -> None:
    """Taken from the recipe's own source: the last number counts, thousands may have commas, no number earns nothing."""
    tree = ast.parse((RECIPES / "grpo.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names: dict[str, Any] = {}
    exec("import math, re\n" + "\n".join(ast.unparse(node) for node in functions), names)
    replies = ["so 3 × 400 = 1,200 grams.", "1200", "about 12", "no idea", ""]
    completions = [[{"role": "assistant", "content": reply}] for reply in replies]
    gold = ["… = 1200.\n#### 1200"] * len(replies)
    assert names["correct"](completions=completions, answer=gold, trainer_state=None) == [1, 1, 0, 0, 0]
    assert names["correct"](completions=completions[3:4], answer=["none"]) == [0], "no number on either side is no match"


@functools.cache
def source(name: str) -> str:
    return (RECIPES / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_stays_short(name: str) -> None:
    """Lines that hold code: a recipe is read, and adapted, as a whole."""
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = iter(source(name).splitlines(keepends=True))
    held = [token for token in tokenize.generate_tokens(lambda: next(lines, "")) if token.type not in ignored]
    docstrings = {
        line
        for token in held
        if token.type == tokenize.STRING and token.string.startswith('"""')
        for line in range(token.start[0], token.end[0] + 1)
    }
    assert len({token.start[0] for token in held} - docstrings) <= 60
    assert len(source(name).splitlines()) <= 90


@pytest.mark.parametrize("name", NAMES)
def test_recipes_say_the_same_things_with_the_same_lines(name: str) -> None:
    """Whoever has read one knows where to look in the others."""
    shared = [
        "max_steps = int(os.environ.get(",
        "bf16=bf16, fp16=gpu and not bf16, use_cpu=not torch.accelerator.is_available(),",
        'disable_tqdm=True, logging_strategy="steps"',
        "push_to_hub=bool(args.hub_id), hub_model_id=args.hub_id, hub_private_repo=True,",
        "trainer.train(resume_from_checkpoint=args.resume)",
    ]
    for text in shared:
        assert source(name).count(text) == 1


@pytest.mark.parametrize("name", NAMES)
def test_hf_jobs_takes_the_header(name: str, home: Path) -> None:
    """Resolved by the real client, which refuses unknown keys."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("hf"),
            "jobs",
            "uv",
            "run",
            "--dry-run",
            "-d",
            "--",
            RECIPES / f"{name}.py",
            "--hub-id",
            "ada/x",
        ],
        env=clean_environment(home, HF_HUB_OFFLINE="1", NO_COLOR="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert re.search(r"timeout +[46]h \(from script\)", told)
    assert re.search(r"flavor +a10*0?g?-large \(from script\)", told)
    assert re.search(r"secrets +HF_TOKEN", told)
    assert "--hub-id ada/x" in told
