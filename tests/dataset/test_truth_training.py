"""The verdicts against the trainers themselves: TRL really trains one step on every READY and every mapped dataset, and
really stops on every one that is said to stop it. What is said to go wrong in silence really goes through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset.cases import CASES, METHODS, chat, worse
from ml_intern_helpers.dataset.columns import kind
from ml_intern_helpers.dataset.sample import with_every_column
from ml_intern_helpers.dataset.trainers.methods import READERS
from support import warm
from support.helpers import ROOT, clean_environment

#: Columns that a trainer looks at, by whatever name it is warned of.
READ = (
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "messages",
    "conversations",
    "text",
    "label",
    "tools",
    "input_ids",
    "completions",
    "image",
    "images",
    "system",
)


def _tasks(reports: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What to train, by what sets one task apart from another: a second dataset of the same shape teaches nothing new."""
    tasks: dict[str, dict[str, Any]] = {}
    for case in CASES:
        rows = with_every_column(case.rows)
        for method in METHODS:
            mapping = reports[case.name]["verdicts"][method]["mapping"]
            steps = 4 if method == "grpo" and any(problem.at for problem in READERS["grpo"](rows)) else 1
            for code in (None, mapping) if mapping else (None,):
                sees = any(row.get(name) for row in rows for name in ("image", "images"))
                task = {
                    "id": _shape(method, rows, code),
                    "method": method,
                    "rows": rows,
                    "mapping": code,
                    "steps": steps,
                    "sees": sees,
                }
                tasks.setdefault(task["id"], task)
    return {**tasks, **_blind()}


def _blind() -> dict[str, dict[str, Any]]:
    """Rows with images for a text model, which is said to stop."""
    rows = [
        {
            "images": [{"path": "a.png"}],
            "prompt": chat(n)[:1],
            "completion": chat(n)[1:],
            "chosen": chat(n)[1:],
            "rejected": worse(n)[1:],
        }
        for n in range(4)
    ]
    taken = {
        "sft": ("prompt", "completion"),
        "dpo": ("prompt", "chosen", "rejected"),
        "kto": ("prompt", "chosen", "rejected"),
        "grpo": ("prompt",),
    }
    return {
        f"blind {method}": {
            "id": f"blind {method}",
            "method": method,
            "rows": [{name: row[name] for name in ("images", *columns)} for row in rows],
            "mapping": None,
            "steps": 1,
            "sees": False,
        }
        for method, columns in taken.items()
    }


def _shape(method: str, rows: list[dict[str, Any]], mapping: str | None) -> str:
    """Method, kinds of the columns read, mapping without its path, and the problems named."""
    kinds = {name: sorted({kind(row[name]) for row in rows}) for name in rows[0] if name in READ}
    if method == "grpo" and not mapping:
        kinds = {name: kinds[name] for name in ("prompt", "completions") if name in kinds}
    code = [line for line in (mapping or "").splitlines() if "load_" not in line]
    roles = sorted({str(turn) for row in rows for cell in row.values() if isinstance(cell, list) for turn in map(_role, cell)})
    return json.dumps([method, kinds, code, [problem.code for problem in READERS[method](rows)], roles])


def _role(turn: Any) -> Any:
    return (turn.get("role") or turn.get("from"), "tool_calls" in turn) if isinstance(turn, dict) else None


@pytest.mark.training
@pytest.mark.timeout(300)
def test_every_verdict_against_the_real_trainer(in_process: Callable[..., dict[str, Any]], tmp_path: Path, home: Path) -> None:
    reports = {}
    for number, case in enumerate(CASES):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in case.rows), encoding="utf-8")
        reports[case.name] = in_process(str(path))
    given = json.dumps({"cases": list(_tasks(reports).values())}).encode()
    runner = ROOT / "tests/dataset/truth_runner.py"
    code, stdout, stderr = warm.run_training(runner, [], clean_environment(home), home, timeout_s=280, stdin=given)
    assert code == 0, stderr[-3000:]
    outcomes: dict[str, str] = json.loads(stdout)
    assert not _wrong(reports, outcomes)
    assert {name: outcome == "ok" for name, outcome in outcomes.items() if name.startswith("blind")} == {
        "blind sft": False,
        "blind dpo": False,
        "blind kto": False,
        "blind grpo": False,
    }


def _wrong(reports: dict[str, dict[str, Any]], outcomes: dict[str, str]) -> list[str]:
    """Every disagreement between a verdict and a trainer."""
    wrong = []
    for case in CASES:
        rows = with_every_column(case.rows)
        for method in METHODS:
            verdict = reports[case.name]["verdicts"][method]
            raw = outcomes[_shape(method, rows, None)]
            problems = READERS[method](rows)
            trains = not problems or all(problem.silent for problem in problems)
            luck = any(problem.code == "luck" for problem in problems)  # said to depend on PYTHONHASHSEED
            if trains != (raw == "ok") and not luck:
                wrong.append(f"{case.name} for {method}: {verdict['verdict']} ({verdict['problems']}), but TRL: {raw}")
            mapped = outcomes[_shape(method, rows, verdict["mapping"])] if verdict["mapping"] else "ok"
            if mapped != "ok":
                wrong.append(f"{case.name} for {method}: the rows of its mapping fail: {mapped}")
    return wrong
