"""No alarm on clean data, however much it looks like trouble: through the real command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset.lookalikes import LOOKALIKES

#: Findings of the checks; SET2xx are about columns, and `tests/dataset/test_verdicts.py` holds them to the trainers.
CHECKED = {f"SET{number}" for number in range(301, 330)}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_no_false_alarm(name: str, in_process: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    rows, right = LOOKALIKES[name]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = in_process(str(path))
    found = {item["code"]: (item["message"], item["evidence"]) for item in report["findings"] if item["code"] in CHECKED}
    assert {code: told for code, told in found.items() if code not in right} == {}
    assert right <= set(found)
    assert report["decision"]["word"] == "go"
    assert report["decision"]["filter_code"] is None


def test_there_are_look_alikes_of_many_kinds() -> None:
    assert len(LOOKALIKES) >= 30
