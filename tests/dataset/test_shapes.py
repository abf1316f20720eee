"""Shapes on rows nobody has seen: whatever cells hold, there is an answer, and no text of theirs becomes code."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.cases import CASES, Row, bot, chat, question, rows, user
from ml_intern_helpers.cli import commands
from ml_intern_helpers.dataset.sample import with_every_column


def inspected(items: list[Row]) -> dict[str, Any]:
    """The report of the command on a file with these rows."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in items), encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()):
            commands.main("inspect_dataset", [str(path), "--json"])
    return dict(json.loads(printed.getvalue()))


def mapped(method: str, items: list[Row]) -> list[Row]:
    """The rows that the mapping for `method` makes, run with `datasets`."""
    code = inspected(items)["verdicts"][method]["mapping"] or ""
    scope: dict[str, Any] = {"dataset": datasets.Dataset.from_list(with_every_column(items), on_mixed_types="use_json")}
    datasets.disable_progress_bars()
    exec("\n".join(line for line in code.splitlines() if "load_dataset" not in line), scope)
    return [dict(row) for row in scope["dataset"]]


COLUMNS = sorted({name for case in CASES for row in case.rows for name in row})
CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "a", "A", "1", "yes no", "\n\nHuman: a\n\nAssistant: b", '[{"role": "user", "content": "a"}]', "[", "{"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "text", "label", "en", "fr", "score", "response", "messages", "tool_calls"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_cells_hold_there_is_an_answer(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4, unique=True))
    report = inspected(data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, CELLS)), min_size=1, max_size=3)))
    assert report["error"] is None
    usable = {name for name, verdict in report["verdicts"].items() if verdict["length"] or verdict["mapping"]}
    assert {item["method"] for item in report["recommended"]} <= usable


BOOM = '"]+[__import__("os")._exit(3)]+["'
HOSTILE = [
    pytest.param(
        rows(lambda n: {"question": question(n), "response_a": "x y", "response_b": "z", "winner": f"{BOOM} {'ab'[n % 2]}"}),
        id="winner",
    ),
    pytest.param(
        rows(lambda n: {"question": question(n), "answers\n\"'": [{"text": f"n{n}", "score\n": 1}, {"text": "z", "score\n": 2}]}),
        id="score",
    ),
    pytest.param(rows(lambda n: {"messages": json.dumps([user("a"), {"role": "bot", "content": BOOM}]), BOOM: 1}), id="json"),
    pytest.param(rows(lambda n: {"translation\n": {"en": BOOM, "fr": "x\n"}}), id="translation"),
    pytest.param(rows(lambda n: {"question ": "a b", "'\"choices": ["x", BOOM], "answer\n": n % 2}), id="choices"),
    pytest.param(rows(lambda n: {"question": "a b", "\n answers\"'": {"text": [BOOM]}}), id="answers"),
]
ALLOWED = {
    "load_dataset",
    "dataset",
    "row",
    "name",
    "json",
    "re",
    "to_row",
    "to_messages",
    "ranked",
    "options",
    "LETTERS",
    "ROLES",
}
ALLOWED |= {
    "turn",
    "turns",
    "text",
    "texts",
    "label",
    "labels",
    "zip",
    "sorted",
    "filter",
    "answer",
    "who",
    "words",
    "said",
    "pair",
}


@pytest.mark.parametrize("items", HOSTILE)
def test_no_text_of_the_rows_becomes_code(items: list[Row]) -> None:
    seen = [verdict["mapping"] for verdict in inspected(items)["verdicts"].values() if verdict["mapping"]]
    assert seen
    for code in seen:
        names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        assert names <= ALLOWED


SAYS: list[tuple[str, list[Row], str, Row]] = [
    (
        "the letter stands for the option",
        [{"question": "2+2?", "choices": ["3", "4"], "answer": 1}] * 3,
        "sft",
        {"prompt": [user("2+2?\n\nA. 3\nB. 4")], "completion": [bot("B")]},
    ),
    (
        "labels are the data's own",
        [{"question": "2+2?", "choices": {"text": ["3", "4"], "label": ["1", "2"]}, "answerKey": "2"}] * 3,
        "sft",
        {"prompt": [user("2+2?\n\n1. 3\n2. 4")], "completion": [bot("2")]},
    ),
    (
        "the first of several answers, context under the question",
        [{"question": "who", "context": "it was ann", "answers": {"text": ["ann", "Ann"], "answer_start": [7, 7]}}] * 3,
        "sft",
        {"prompt": [user("who\n\nit was ann")], "completion": [bot("ann")]},
    ),
    (
        "the higher score is chosen",
        [{"prompt": "hi", "completions": [{"response": "b", "score": 1.0}, {"response": "a", "score": 2.0}]}] * 3,
        "dpo",
        {"prompt": [user("hi")], "chosen": [bot("a")], "rejected": [bot("b")]},
    ),
    (
        "the lower rank is chosen",
        [{"prompt": "hi", "answers": [{"answer": "b", "rank": 2}, {"answer": "a", "rank": 1}]}] * 3,
        "dpo",
        {"prompt": [user("hi")], "chosen": [bot("a")], "rejected": [bot("b")]},
    ),
    (
        "the winner is chosen",
        [{"prompt": "hi", "response_a": "a", "response_b": "b", "winner": side} for side in ("model_b", "model_a", "tie")],
        "dpo",
        {"prompt": [user("hi")], "chosen": [bot("b")], "rejected": [bot("a")]},
    ),
    (
        "a transcript's turns",
        [{"text": "\n\nHuman: hi\nyou\n\nAssistant: yes\n\nHuman: no\n\nAssistant: ok"}] * 3,
        "grpo",
        {
            "text": "\n\nHuman: hi\nyou\n\nAssistant: yes\n\nHuman: no\n\nAssistant: ok",
            "prompt": [user("hi\nyou"), bot("yes"), user("no")],
        },
    ),
    (
        "the system column before the conversation",
        [{"system": "be kind", "messages": chat(1)}] * 3,
        "sft",
        {"messages": [{"role": "system", "content": "be kind"}, *chat(1)]},
    ),
    (
        "blocks of text joined",
        [{"messages": [user("a"), {"role": "assistant", "content": [{"type": "text", "text": t} for t in "bc"]}]}] * 3,
        "sft",
        {"messages": [user("a"), bot("bc")]},
    ),
]


@pytest.mark.parametrize(("items", "method", "first"), [pytest.param(*case[1:], id=case[0]) for case in SAYS])
def test_a_mapping_means_what_it_says(items: list[Row], method: str, first: Row) -> None:
    assert mapped(method, items)[0] == first


def test_arguments_of_tool_calls_stay_apart() -> None:
    """Each call keeps its own arguments; Arrow's usual way is to give every call the arguments of all."""
    items = next(case.rows for case in CASES if "its own arguments" in case.name)
    made = [row["messages"][1]["tool_calls"][0]["function"]["arguments"] for row in mapped("sft", items)]
    assert made[:2] == [{"x": 0}, {"city": "Paris"}]


def test_the_alternatives_are_named(in_process_rows: Callable[..., dict[str, Any]]) -> None:
    items = rows(lambda n: {"problem": question(n), "answer": str(n), "solution": f"because of {n}"})
    report = in_process_rows(items)
    assert "'answer' is taken for the answer, 'solution' could be it too" in report["verdicts"]["sft"]["reason"]
    assert report["formats"][0]["alternatives"] == {"completion": ["solution"]}
    both = rows(lambda n: {"messages": chat(n), "question": question(n), "answer": str(n)})
    reason = in_process_rows(both)["verdicts"]["sft"]["reason"]
    assert "'question', 'answer' could be read as prompt-completion instead" in reason


@pytest.fixture
def in_process_rows(in_process: Callable[..., dict[str, Any]], tmp_path: Any) -> Callable[..., dict[str, Any]]:
    def call(items: list[Row], *arguments: str) -> dict[str, Any]:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in items))
        return in_process(str(path), *arguments)

    return call


def test_a_note_is_printed_once(call: Callable[..., Any], tmp_path: Any) -> None:
    case = next(case for case in CASES if case.form == "conversation-tree")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in case.rows))
    told = call(str(path)).stdout
    assert told.count("no mapping of single rows can join the turns") == 1
    assert "recommended: none of these methods" in told
