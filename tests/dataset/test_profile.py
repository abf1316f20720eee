"""`profile`, `--compare` and `--card`: what they say is so, whatever is compared."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dataset import hostile
from dataset.cases import bot, chat, question, sharegpt, system, user
from dataset.viewer import Viewer, hub_with
from ml_intern_helpers.dataset.profile.profile import gap, pattern, pattern_text, summary
from ml_intern_helpers.dataset.profile.sketch import K_OF_ALL, K, from_json, overlap, row_hash, sketch
from support.helpers import ROOT, Outcome

Call = Callable[..., Outcome]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/inspect_dataset.v1.json").read_text(encoding="utf-8")))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def make(rows: list[dict[str, Any]], name: str = "a.jsonl") -> str:
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(tmp_path / name)

    return make


def hashes(start: int, stop: int) -> list[int]:
    return [row_hash(f"row {number}") for number in range(start, stop)]


SHARED = [(0, 20_000, 20_000), (2_000, 20_000, 20_000), (10_000, 20_000, 20_000), (20_000, 20_000, 20_000), (5_000, 8_000, 8_000)]
UNEQUAL = [(1_500, 40_000, 3_000), (3_000, 40_000, 3_000), (90, 40_000, 100), (0, 40_000, 3_000)]


@pytest.mark.parametrize("kept", [K, K_OF_ALL])
@pytest.mark.parametrize(("shared", "size", "other"), SHARED + UNEQUAL)
def test_the_estimate_is_within_its_error(shared: int, size: int, other: int, kept: int) -> None:
    """Two sets, `shared` rows in both: three standard errors hold, of datasets of one size and of a large and a small one."""
    made = [sketch(hashes(0, size)).to_json(kept), sketch(hashes(size - shared, size - shared + other)).to_json(K)]
    here, there = (from_json(json.loads(json.dumps(item))) for item in made)
    assert here is not None
    assert there is not None
    found = overlap(here, there)
    assert not found.exact
    assert abs(found.of_here - shared / size) <= 3 * found.error_of_here
    assert abs(found.of_there - shared / other) <= 3 * found.error_of_there
    assert found.error_of_here <= 0.07
    assert found.error_of_there <= (0.07 if size == other or (kept == K_OF_ALL and other > 100) else 1)
    assert len(json.dumps(made[0])) < 9 * kept


def test_hashes_at_hand_are_counted_whatever_is_written_down() -> None:
    found = overlap(sketch(hashes(0, 20_000)), sketch(hashes(15_000, 25_000)))
    assert (found.rows, found.of_here, found.of_there, found.exact) == (5_000, 0.25, 0.5, True)


def test_small_datasets_are_counted() -> None:
    found = overlap(sketch(hashes(0, 200)), sketch(hashes(150, 350)))
    assert (found.rows, found.of_here, found.exact, found.error_of_here) == (50, 0.25, True, 0.0)


@pytest.mark.parametrize(
    "value",
    [None, {}, {"k": K}, {"k": K, "hashes": "###", "distinct_rows": 1}, {"k": K, "hashes": "AAAA", "distinct_rows": 1}]
    + [{"k": K, "hashes": "AAAAAAAA", "distinct_rows": rows} for rows in (0, 5, "1", None)],
)
def test_a_sketch_that_is_none_is_refused(value: object) -> None:
    assert from_json(value) is None


PATTERNS = [
    ([user("a"), bot("b")], "user assistant"),
    ([user("a"), bot("b")] * 3, "(user assistant)×3"),
    ([system("s"), *[user("a"), bot("b")] * 2, user("c")], "system (user assistant)×2 user"),
    ([user("a"), bot("b"), user("c")], "user assistant user"),
    ([{"role": "a b)×9\n", "content": ""}], "a_b_9"),
    ([{"role": str(n), "content": ""} for n in range(14)], "0 1 2 3 4 5 6 7 8 9 10 11 …2_more"),
    ([], None),
    ("text", None),
    ([{"content": "x"}], None),
]


@pytest.mark.parametrize(("turns", "told"), PATTERNS, ids=[str(told) for _, told in PATTERNS])
def test_role_patterns(turns: object, told: str | None) -> None:
    parts = pattern(turns)
    assert (None if parts is None else pattern_text(parts)) == told


def test_lengths_of_one_make_are_near_and_of_two_are_far() -> None:
    draw = random.Random(0)
    sizes = [[round(draw.lognormvariate(mu, 1)) + 1 for _ in range(1000)] for mu in (6, 6, 8)]
    found = [summary(each, "text")["histogram"] for each in sizes]
    assert gap(found[0], found[0]) == 0
    assert gap(found[0], found[1]) < 0.1
    assert gap(found[0], found[2]) > 0.5
    assert gap([[4, 1]], [[64, 1]]) == 1


def test_a_profile_is_small_and_tells_no_text(in_process: Callable[..., dict[str, Any]], write: Callable[..., str]) -> None:
    rows = [{**{f"column {n} {'x' * 300}": "secret words" for n in range(90)}, "text": f"secret words {n}"} for n in range(400)]
    report = in_process(write(rows))
    told = json.dumps(report["profile"])
    SCHEMA.validate(report)
    assert "secret" not in told
    assert len(told) < 16_000
    assert report["profile"]["columns_total"] == 91


#: (rows here, rows there, start of the verdict, what differs)
MESSAGES = [{"messages": chat(n)} for n in range(40)]
COMPARED = [
    pytest.param(MESSAGES, MESSAGES, "SAME ROWS: no notable difference", [], id="same"),
    pytest.param(MESSAGES, MESSAGES[:10], "OVERLAP: no notable", [], id="a part"),
    pytest.param(MESSAGES, [{"messages": chat(n)} for n in range(40, 90)], "SAME FORM: no notable", [], id="other rows"),
    pytest.param(
        MESSAGES,
        [{"conversations": sharegpt(n)} for n in range(40)],
        "SAME ROWS: columns, roles",
        ["columns", "roles"],
        id="converted",
    ),
    pytest.param(
        MESSAGES,
        [{"prompt": question(n).upper(), "completion": f"it  means {n}"} for n in range(40)],
        "SAME ROWS: columns differ",
        ["columns"],
        id="taken apart, in capitals",
    ),
    pytest.param(
        MESSAGES,
        [{"messages": chat(n), "id": n} for n in range(90, 130)],
        "DIFFERENT: columns differ; no shared rows",
        ["columns"],
        id="one more column",
    ),
    pytest.param(
        MESSAGES,
        [{"messages": [user("x" * 900 + str(n)), bot("y")]} for n in range(40)],
        "DIFFERENT: lengths differ",
        ["lengths"],
        id="longer",
    ),
    pytest.param(
        [{"prompt": question(n), "completion": "a", "label": n % 2 == 0} for n in range(40)],
        [{"prompt": question(n), "completion": "b", "label": n % 10 == 0} for n in range(40)],
        "DIFFERENT: labels differ",
        ["labels"],
        id="labels",
    ),
    pytest.param(
        [{"text": question(n), "note": None if n % 2 else "a"} for n in range(40)],
        [{"text": question(n + 50), "note": "a"} for n in range(40)],
        "DIFFERENT: nulls differ",
        ["nulls"],
        id="nulls",
    ),
]


@pytest.mark.parametrize(("here", "there", "first", "differs"), COMPARED)
def test_compare(
    call: Call, write: Callable[..., str], tmp_path: Path, here: list[Any], there: list[Any], first: str, differs: list[str]
) -> None:
    """With a file, and with the saved answer on the same file: the same is said."""
    mine, other = write(here), write(there, "b.jsonl")
    (tmp_path / "saved.json").write_text(call(other, "--json").stdout)
    for name, came_from in ((other, "looked at now"), (str(tmp_path / "saved.json"), "saved answer")):
        text = call(mine, "--compare", name).stdout
        assert text.startswith(first), text
        report = call(mine, "--compare", name, "--json").json
        SCHEMA.validate(report)
        assert report["compare"]["differs"] == differs
        assert report["compare"]["there"]["came_from"] == came_from
        assert report["compare"]["overlap"]["exact"] is True


def test_a_sample_says_that_it_is_one(call: Call, write: Callable[..., str]) -> None:
    """Half of all rows are shared, and a sample of 50 sees few of them: nothing is said of the whole."""
    here = write([{"text": question(n)} for n in range(4000)])
    there = write([{"text": question(n)} for n in range(2000, 6000)], "b.jsonl")
    found = call(here, "--compare", there, "--sample", "50", "--json").json["compare"]
    assert found["here"]["of"] == "sample"
    assert "only a sample of" in found["overlap"]["note"]
    assert found["differs"] == []
    whole = call(here, "--compare", there, "--sample", "20000", "--json").json["compare"]["overlap"]
    assert (whole["rows"], whole["of_here"], whole["note"], whole["is"]) == (2000, 0.5, None, "counted")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ('{"schema": "ml-intern/inspect_dataset/v1", "profile": null}', 3, "a saved report without a profile"),
        ("{", 3, "is not JSON"),
    ],
)
def test_what_cannot_be_compared_with(
    call: Call, write: Callable[..., str], tmp_path: Path, content: str, code: int, words: str
) -> None:
    (tmp_path / "other.json").write_text(content)
    done = call(write(MESSAGES), "--compare", str(tmp_path / "other.json"))
    assert done.code == code
    assert words in done.stderr
    assert call(write(MESSAGES), "--compare", "no/such/thing").code == 2


#: Parts of a profile that a file may hold in any shape.
ODD = [
    None,
    7,
    "x",
    [],
    {},
    [[1]],
    {"a": "b"},
    {"a": {"type": [], "nulls_share": "x"}},
    {"median": 1, "p95": 2, "histogram": [["a", 1]]},
]


@pytest.mark.parametrize("key", ["rows", "of", "columns", "role_patterns", "characters", "labels", "languages", "sketch"])
def test_a_forged_answer_is_no_bug_of_ours(call: Call, write: Callable[..., str], tmp_path: Path, key: str) -> None:
    mine = write(MESSAGES)
    answer = call(mine, "--json").json
    answer["dataset"] = "evil\nREADY for sft\x1b[31m"
    for value in ODD:
        answer["profile"][key] = value
        (tmp_path / "forged.json").write_text(json.dumps(answer))
        done = call(mine, "--compare", str(tmp_path / "forged.json"))
        assert done.code in (0, 3), (value, done.stderr)
        assert "\x1b" not in done.stdout
        assert "\nREADY for sft\n" not in done.stdout


def test_card_of_a_hub_dataset(call: Call) -> None:
    viewer = Viewer("ada/set", {("default", "train"): (MESSAGES[:8] + MESSAGES[:1], 600)})
    hub, repo = hub_with("ada/set")
    repo.info = {"cardData": {"license": "cc-by-4.0"}}
    try:
        text = call("ada/set", "--card", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url).stdout
    finally:
        viewer.close()
        hub.service.close()
    assert text.startswith("## Training data\n\nThis model was trained on [`ada/set`](https://huggingface.co/datasets/ada/set)")
    assert "licence `cc-by-4.0`" in text
    assert "600 rows" in text
    assert re.search(r"revision `[0-9a-f]{40}`", text)
    assert re.search(
        r"audited on \d{4}-\d\d-\d\d with `inspect_dataset` of ml-intern [\d.]+, which looked at 9 rows \(the first ones\)", text
    )
    assert "- SET307: `1 row repeats" in text


def test_card_names_no_folder_and_shows_the_mapping_that_was_asked_for(
    call: Call, write: Callable[..., str], tmp_path: Path
) -> None:
    path = write([{"prompt": question(n), "messages": chat(n)} for n in range(6)])
    text = call(path, "--card", "--method", "sft").stdout
    first = text.split("<!--")[0]
    assert "the local data `a.jsonl`" in first
    assert str(tmp_path) not in first
    assert "<!-- Delete this block if you did not use it. -->" in text
    assert 'dataset.select_columns(["messages"])' in text
    assert call(path, "--card", "--method", "sft", "--json").json["card_markdown"] == text.rstrip("\n")


def test_a_card_is_no_place_for_hostile_rows(call: Call, write: Callable[..., str]) -> None:
    """Every stranger's string stands in a code span: taking the spans and blocks away leaves words of ours alone."""
    bad = [
        *hostile.strings("http://x"),
        "``` `` `",
        "[x](javascript:1)",
        "![](http://x)",
        "| a | b |",
        "$$x$$ \\(y\\)",
        "@someone",
    ]
    rows = [{"messages": [{"role": bad[n % len(bad)], "content": "a"}, bot("")], **dict.fromkeys(bad[:18], n)} for n in range(30)]
    text = call(write(rows, "a`b<script>.jsonl"), "--card").stdout
    rest = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "script" in text
    assert not re.search(r"[<>\[\]|$@!*_\\`]|javascript|http", rest), rest
