"""The example data is what its README says, and its generator writes it again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.helpers import ROOT, Outcome

EXAMPLES = ROOT / "examples"


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / name).read_text(encoding="utf-8").splitlines()]


def test_the_generator_writes_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLES / "make_data.py", tmp_path], check=True)
    for name in ("chat.jsonl", "preferences.jsonl", "prompts.jsonl"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_the_readme_counts_right() -> None:
    table = re.findall(r"\| `(\w+\.jsonl)` \| (\d+) \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert {name: len(rows_of(name)) for name, _ in table} == {name: int(count) for name, count in table}
    assert len(table) == 3


def test_the_planted_faults_are_where_the_readme_says() -> None:
    chat = {number: row["messages"] for number, row in enumerate(rows_of("chat.jsonl"), 1)}
    assert [turn["role"] for turn in chat[58]] == ["user"]
    assert chat[192][-1] == {"role": "assistant", "content": ""}
    assert (chat[231], chat[302]) == (chat[13], chat[105])
    others = [json.dumps(row) for number, row in chat.items() if number not in (58, 192, 231, 302)]
    assert len(set(others)) == len(others)
    assert all(json.loads(row)[-1]["role"] == "assistant" for row in others)


def test_every_calculation_is_right_and_every_rejected_one_wrong() -> None:
    def holds(reply: str) -> bool:
        left, sign, right, result = re.search(r"(\d+) ([×÷]) (\d+) = (\d+)", reply).groups()  # type: ignore[union-attr]
        return int(result) == (int(left) * int(right) if sign == "×" else int(left) / int(right))

    replies = [turn["content"] for row in rows_of("chat.jsonl") for turn in row["messages"] if turn["role"] == "assistant"]
    assert all(holds(reply) for reply in replies if reply)
    pairs = rows_of("preferences.jsonl")
    assert all(holds(row["chosen"][0]["content"]) and not holds(row["rejected"][0]["content"]) for row in pairs)
    for row in rows_of("prompts.jsonl"):
        reply, _, result = row["answer"].partition("\n#### ")
        assert holds(reply)
        assert f"= {result} " in reply


def test_the_readme_shows_what_pre_flight_finds(helper: Callable[..., Outcome]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"\$ preflight_check (examples/last_year\.py --local)\n(.*?)```", readme, re.DOTALL)
    assert block
    said = helper("preflight_check", *block[1].split(), cwd=ROOT).stdout.splitlines()
    shown = [line for line in block[2].splitlines() if line.strip() != "…"]
    assert len(shown) > 6
    assert [line for line in shown if line not in said] == []
