"""Tokens by row against transformers' own `apply_chat_template`, and against what the real trainers make of the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset.cases import bot, system, user
from dataset.prose import CHINESE, prose, script
from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.dataset.token_counts import count, load
from support import warm
from support.helpers import ROOT, clean_environment
from support.hub import Hub

Row = dict[str, Any]
SIZE = 12
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}])
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": "é"}}}],
}


def rows(make: Callable[[int], Row]) -> list[Row]:
    return [make(number) for number in range(SIZE)]


ROWS: dict[str, dict[str, Any]] = {
    "conversations": {"method": "sft", "rows": rows(lambda n: {"messages": [user(prose(n, n + 1)), bot(prose(n + 50, 2))]})},
    "with a system turn": {
        "method": "sft",
        "rows": rows(lambda n: {"messages": [system("Be kind."), user(prose(n, 1)), bot("<|im_end|> é")]}),
    },
    "with tools": {
        "method": "sft",
        "rows": rows(
            lambda n: {"messages": [user(prose(n, 1)), CALL, {"role": "tool", "content": str(n)}, bot("so")], "tools": TOOLS}
        ),
    },
    "with reasoning": {
        "method": "sft",
        "rows": rows(lambda n: {"messages": [user("why"), {**bot(f"so {n}"), "thinking": prose(n, 1)}]}),
    },
    "plain text": {"method": "sft", "rows": rows(lambda n: {"text": prose(n, n + 1) + script(n, CHINESE, n + 1)})},
    "prompt and completion": {
        "method": "sft",
        "rows": rows(lambda n: {"prompt": prose(n, 2), "completion": " " + prose(n + 9, n + 1)}),
    },
    "prompt and completion as turns": {
        "method": "sft",
        "rows": rows(lambda n: {"prompt": [user(prose(n, 2))], "completion": [bot(str(n))]}),
    },
    "pairs": {
        "method": "dpo",
        "rows": rows(lambda n: {"prompt": prose(n, 1), "chosen": " a" * n, "rejected": " " + prose(n, 1)}),
    },
    "pairs as turns": {
        "method": "dpo",
        "rows": rows(lambda n: {"prompt": [user(prose(n, 1))], "chosen": [bot("a" * n)], "rejected": [bot(prose(n, 1))]}),
    },
    "labelled answers": {
        "method": "kto",
        "rows": rows(lambda n: {"prompt": prose(n, 1), "completion": f" is {n}", "label": n % 2 == 0}),
    },
    "prompts as turns": {"method": "grpo", "rows": rows(lambda n: {"prompt": [user(prose(n, n + 1))]})},
}


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Models on disk, and what transformers and TRL count."""
    folder = tmp_path_factory.mktemp("models")
    given = json.dumps({"folder": str(folder), "rows": ROWS}).encode()
    runner = ROOT / "tests/dataset/token_runner.py"
    code, stdout, stderr = warm.run_training(runner, [], clean_environment(folder), folder, timeout_s=280, stdin=given)
    assert code == 0, stderr[-3000:]
    return {**json.loads(stdout), "folder": folder}


@pytest.mark.training
@pytest.mark.timeout(300)
def test_every_row_has_the_tokens_that_transformers_counts(truth: dict[str, Any]) -> None:
    compared = refused = 0
    for name, by_rows in truth["counts"].items():
        model = load(str(truth["folder"] / name), offline=True)
        for what, expected in by_rows.items():
            item = ROWS[what]
            if isinstance(expected, str):
                with pytest.raises(BadData, match="its chat template refuses sampled row 1"):
                    count(model, item["method"], item["rows"])
                refused += 1
            else:
                assert count(model, item["method"], item["rows"]) == expected, (name, what)
                compared += 1
    assert compared >= 55
    assert refused >= 2


@pytest.mark.training
@pytest.mark.timeout(300)
def test_every_row_has_the_tokens_that_the_trainer_makes(truth: dict[str, Any]) -> None:
    model = load(str(truth["folder"] / "chatml"), offline=True)
    assert len(truth["trained"]) >= 8
    for what, expected in truth["trained"].items():
        assert count(model, ROWS[what]["method"], ROWS[what]["rows"]) == expected, what


@pytest.mark.training
@pytest.mark.timeout(300)
def test_the_command_tells_what_max_length_cuts(
    truth: dict[str, Any], in_process: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    made = [{"messages": [user(prose(n, 1)), bot(prose(n + 50, 40 if n < 5 else 1))]} for n in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    folder = str(truth["folder"] / "chatml")
    expected = count(load(folder, offline=True), "sft", made)
    report = in_process(str(path), "--model", folder, "--max-length", "600")
    told = report["lengths"]["tokens"]
    assert (told["min"], told["max"], told["rows"]) == (min(expected), max(expected), 40)
    assert told["cut"]["512"] == told["cut"]["1024"] == 5 / 40
    assert told["recommended_max_length"] == next(most for most in (2048, 4096) if max(expected) <= most)
    assert sum(rows for _, rows in told["histogram"]) == 40
    assert told["template"] is True
    found = next(item for item in report["findings"] if item["code"] == "SET323")
    assert "max_length=600 cuts 5 of 40 rows" in found["message"]
    assert "row 1, 2, 3, 4, 5" in found["evidence"]
    assert "SET323" in {item["code"] for item in in_process(str(path), "--model", folder)["findings"]}  # TRL's default is 1024
    assert in_process(str(path))["lengths"]["tokens"] is None


@pytest.mark.training
@pytest.mark.timeout(300)
def test_a_model_on_the_hub(truth: dict[str, Any], helper: Callable[..., Any], hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS["conversations"]["rows"]), encoding="utf-8")
    files = {file.name: file.read_bytes() for file in (truth["folder"] / "llama").iterdir()}
    hub.add("model", "ada/chat", files)
    report = helper("inspect_dataset", str(path), "--model", "ada/chat", "--json", HF_ENDPOINT=hub.url).json
    told = report["lengths"]["tokens"]
    assert told["max"] == max(truth["counts"]["llama"]["conversations"])
    assert told["revision"] == hub.repo("model", "ada/chat").sha
    asked = {request.path.rsplit("/", 1)[-1] for request in hub.service.requests}
    assert not {name for name in asked if name.endswith((".py", ".bin", ".safetensors"))}


def test_wrong_models_are_one_clear_line(call: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "some words"}\n', encoding="utf-8")
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    (broken / "tokenizer.json").write_text("{}", encoding="utf-8")
    for model, code, told in (
        (str(tmp_path / "none"), 2, "is no folder"),
        (str(empty), 3, "has no tokenizer.json"),
        (str(broken), 3, "is no tokenizer"),
    ):
        done = call(str(path), "--model", model)
        assert (done.code, done.stdout) == (code, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_max_length_without_a_model_says_what_is_missing(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "some words"}\n', encoding="utf-8")
    report = in_process(str(path), "--max-length", "10")
    assert any("give --model" in warning for warning in report["warnings"])
    assert report["lengths"]["characters"]["max"] == 10
    assert report["lengths"]["characters"]["recommended_max_length"] is None


def test_a_tokenised_dataset_needs_no_model(in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"input_ids": [1] * (n + 1)}) + "\n" for n in range(20)), encoding="utf-8")
    report = in_process(str(path), "--method", "sft", "--max-length", "15")
    assert report["lengths"]["tokens"]["max"] == 20
    assert "max_length=15 cuts 5 of 20 rows" in next(item["message"] for item in report["findings"] if item["code"] == "SET323")
