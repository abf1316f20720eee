"""Sentences that no pattern was written for: no value that is given is wrong, and what is not given is quoted."""

from __future__ import annotations

from html import escape
from pathlib import Path

from support.pages import page, para, section
from support.recipes import recipe_of

ROWS = [
    line.split(" => ")
    for line in (Path(__file__).parent / "held_out_sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
#: Of the values that are stated, at least so many are given; the others are quoted.
GIVEN = 0.65


def _shown(value: object) -> object:
    if value is None:
        return "none"
    try:
        return float(value)  # type: ignore[arg-type]
    except ValueError:
        return value


def _expected(text: str) -> set[tuple[str, object]]:
    named = [] if text == "?" else [part.split(": ") for part in text.split(" & ")]
    return {(name, _shown(value)) for name, values in named for value in values.split(", ")}


def test_held_out_sentences() -> None:
    wrong, unseen, given, stated = [], [], 0, 0
    for text, expected in ROWS:
        wanted = _expected(expected)
        settings = recipe_of(page(section("4", "Setup", para("We use LoRA."), para(escape(text)))))["hyperparameters"]
        got = {(name, _shown(item["value"])) for name, setting in settings.items() for item in setting["items"]}
        stated, given = stated + len(wanted), given + len(got & wanted)
        wrong += [(text, *each) for each in got - wanted]
        unseen += [(text, *each) for each in wanted - got if not settings[each[0]]["quotes"]]
    assert len(ROWS) >= 50
    assert not wrong, "a wrong value costs a training run"
    assert not unseen, "what is not given is quoted"
    assert given / stated >= GIVEN
