"""Papers of several stages state every setting several times: a value is given where its stage is known, and quoted elsewhere."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from ml_intern_helpers.papers.recipe import extract as extraction
from support.pages import math, page, para, section, table
from support.recipes import recipe_of, text_of


def setting(name: str, *parts: str) -> dict[str, Any]:
    return dict(recipe_of(page(section("1", "Introduction", para("Words. " * 60)), *parts))["hyperparameters"][name])


def given(name: str, *parts: str) -> list[tuple[object, str | None]]:
    return [(item["value"], item["stage"]) for item in setting(name, *parts)["items"]]


SENTENCES = {
    "the stage of the sentence": ("We run DPO at a learning rate of 5e-7.", [(5e-7, "DPO")]),
    "what it starts from is not its stage": (
        "Starting from the SFT model, we run DPO at a learning rate of 5e-7.",
        [(5e-7, "DPO")],
    ),
    "a pre-trained model is no pre-training": ("The pre-trained model is updated with a learning rate of 1e-4.", [(1e-4, None)]),
    "a data set's name is no method": ("On DAPO-Math-17k data, we train with a learning rate of 1e-6.", []),
    "the reward model": ("We train our reward model with a learning rate of 9e-6.", [(9e-6, "reward model")]),
    "rewards of a reward model are not its training": (
        "Rewards come from a reward model; the learning rate is 1e-6.",
        [(1e-6, None)],
    ),
    "evaluation is no stage of a rate": ("We evaluate every 50 steps and use a learning rate of 1e-6.", [(1e-6, None)]),
    "the sentence before": ("We align the model with KTO. The learning rate is 5e-6.", [(5e-6, "KTO")]),
    "a bold opening": (
        '<span class="ltx_text ltx_font_bold">Reward modeling.</span> The learning rate is 9e-6.',
        [(9e-6, "reward model")],
    ),
    "what it is compared with": ("Unlike DPO, our loss needs a learning rate of 5e-6.", []),
    "two values in one sentence": ("The learning rate is 2e-5 for SFT and 5e-7 for DPO.", []),
    "values that pair off": ("Learning rates of 2e-5 and 5e-7 are used for SFT and DPO, respectively.", []),
    "two clauses, two stages": (
        "We pre-train on the captions with a learning rate of 1e-3, and fine-tune on the dialogues with a learning rate of 2e-5.",
        [],
    ),
    "two stages at once": ("SFT and DPO models share a learning rate of 1e-6.", []),
    "a part of what is trained": ("For our 6B model, we use a learning rate of 1e-5.", []),
    "an opening that says nothing": ("For simplicity, we use a learning rate of 1e-5.", [(1e-5, None)]),
    "sizes and rates": ("The learning rates for the 1B, 7B and 70B models are 3e-5, 2e-5 and 1e-5.", []),
    "both ends of a schedule": (
        "A cosine learning rate schedule is used, starting at 5e-5 and gradually decreasing to 5e-6.",
        [],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_a_value_has_one_stage_or_is_quoted(text: str, expected: list[tuple[float, str | None]]) -> None:
    found = setting("learning_rate", section("2", "Setup", para(text)))
    assert [(item["value"], item["stage"]) for item in found["items"]] == expected
    assert found["state"] == ("stated" if expected else "quoted")
    assert expected or found["quotes"][0]["quote"] in text


def test_headings_tell_the_stage_the_innermost_first() -> None:
    inner = section("4.1", "Reward Model", para("The learning rate is 9e-6."), kind="subsection")
    outer = section("4", "RLHF Details", para("The learning rate is 1e-6."), inner)
    assert given("learning_rate", outer) == [(1e-6, "RL"), (9e-6, "reward model")]


def test_a_temperature_of_the_evaluation_is_no_temperature_of_training() -> None:
    text = "Rollouts are sampled with a temperature of 1.0. For evaluation, we set the temperature to 0.6."
    assert given("temperature", section("3", "Setup", para(text))) == [(1, "rollout"), (0.6, "evaluation")]


def test_the_same_value_of_two_stages_is_two_values() -> None:
    parts = [section("2", "SFT", para("The batch size is 64.")), section("3", "DPO", para("The batch size is 64."))]
    assert given("batch_size", *parts) == [(64, "SFT"), (64, "DPO")]


def test_a_value_without_a_stage_is_quoted_where_the_paper_has_several() -> None:
    parts = [section("2", "SFT", para("The batch size is 64.")), section("3", "DPO", para("The batch size is 32."))]
    found = setting("weight_decay", *parts, section("4", "Setup", para("The weight decay is 0.1.")))
    assert (found["items"], found["value"]) == ([], None)
    assert [quote["quote"] for quote in found["quotes"]] == ["The weight decay is 0.1."]


def test_a_pipeline_that_is_only_described_has_several_stages() -> None:
    pipeline = section("2", "Method", para("We first run SFT on the demonstrations and then DPO on the preferences."))
    assert given("batch_size", pipeline, section("4", "Setup", para("The batch size is 64."))) == []


CONTRADICTIONS = {
    "two sentences": ["The batch size is 64.", "We use a batch size of 32."],
    "a sentence and a list": ["The batch size is 64.", "The batch sizes are 32 and 64."],
}


@pytest.mark.parametrize("texts", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_values_that_contradict_each_other_are_quoted(texts: list[str]) -> None:
    found = setting("batch_size", *(section(str(number), "Setup", para(text)) for number, text in enumerate(texts, start=2)))
    assert found["items"] == []
    assert {quote["quote"] for quote in found["quotes"]} == set(texts)


def test_a_sentence_and_a_table_that_differ_are_quoted() -> None:
    rows = table("Table 1", "Settings.", [["Batch size", "16"], ["Epochs", "3"]])
    found = setting("batch_size", section("2", "Setup", para("We use a batch size of 32."), rows))
    assert found["items"] == []
    assert {quote["quote"] for quote in found["quotes"]} == {"Batch size | 16", "We use a batch size of 32."}


def test_sizes_of_different_kinds_do_not_contradict_each_other() -> None:
    parts = para("The per-device batch size is 4."), para("The global batch size is 64.")
    found = setting("batch_size", section("2", "Setup", *parts))
    assert [(item["value"], item["context"]) for item in found["items"]] == [(4, "per-device"), (64, "global")]
    assert found["value"] is None, "neither is the batch size"


def test_what_an_ablation_or_other_work_says_is_quoted_last() -> None:
    parts = [
        section("2", "Related Work", para("Earlier models had a batch size of 512.")),
        section("5", "Ablation Studies", para("With a batch size of 8 training diverges.")),
        section("6", "Setup", para("We use a batch size of 64.")),
    ]
    found = setting("batch_size", *parts)
    assert [item["value"] for item in found["items"]] == [64]
    assert "With a batch size of 8 training diverges." in [quote["quote"] for quote in found["quotes"]]
    assert found["quotes"][-1]["about_others"]


# --- tables


def cells(*rows: str) -> str:
    """A table whose rows are written as HTML cells."""
    inner = "".join(f'<tr class="ltx_tr">{row}</tr>' for row in rows)
    head = '<figcaption class="ltx_caption"><span class="ltx_tag ltx_tag_table">Table 4: </span>Hyperparameters.</figcaption>'
    return f'<figure class="ltx_table"><table class="ltx_tabular"><tbody>{inner}</tbody></table>{head}</figure>'


def td(*texts: str) -> str:
    return "".join(f'<td class="ltx_td">{text}</td>' for text in texts)


def over(columns: int, text: str) -> str:
    return f'<td class="ltx_td" colspan="{columns}">{text}</td>'


def down(rows: int, text: str) -> str:
    return f'<td class="ltx_td" rowspan="{rows}">{text}</td>'


TABLES = {
    "a value over all columns holds for all": (
        [td("", "E2E", "WebNLG", "DART"), td("Learning rate") + over(3, "2e-4")],
        [(2e-4, None)],
    ),
    "one value in each column": ([td("", "1B", "7B"), td("Learning rate", "2e-4", "2e-4")], [(2e-4, None)]),
    "a value over two of three columns": ([td("", "1B", "7B", "70B"), td("Learning rate") + over(2, "3e-4") + td("1e-4")], []),
    "two rows of heads": (
        [td("") + over(2, "SFT") + over(2, "DPO"), td("", "8B", "70B", "8B", "70B"), td("LR", "5e-6", "2e-6", "5e-7", "2e-7")],
        [],
    ),
    "stages in columns": ([td("", "SFT", "DPO"), td("LR", "2e-5", "5e-7")], [(2e-5, "SFT"), (5e-7, "DPO")]),
    "a row that heads a group": (
        [td("Hyperparameter", "Value"), over(2, "SFT"), td("LR", "1e-5"), over(2, "Reward model"), td("LR", "9e-6")],
        [(1e-5, "SFT"), (9e-6, "reward model")],
    ),
    "a cell beside its group": (
        [
            down(2, "SFT") + td("Learning rate", "2e-5"),
            td("Epochs", "3"),
            down(2, "DPO") + td("Learning rate", "5e-7"),
            td("Epochs", "1"),
        ],
        [(2e-5, "SFT"), (5e-7, "DPO")],
    ),
    "stages in rows": (
        [
            td("Model", "Stage", "LR", "Epochs", "MT-Bench"),
            td("7B", "SFT", "2e-5", "3", "6.1"),
            td("7B", "DPO", "5e-7", "1", "7.3"),
        ],
        [(2e-5, "SFT"), (5e-7, "DPO")],
    ),
    "models in rows": ([td("Model", "LR", "Epochs"), td("7B", "1e-5", "3"), td("70B", "2e-6", "1")], []),
    "the stage in the name of the row": (
        [td("Parameter", "Value"), td("learning rate (SFT)", "1e-4"), td("learning rate (RL)", "5e-5")],
        [(1e-4, "SFT"), (5e-5, "RL")],
    ),
    "names of a trainer's arguments": (
        [td("Setting", "Value"), td("learning_rate", "1e-5"), td("batch_size", "64")],
        [(1e-5, None)],
    ),
    "pairs side by side": ([td("Optimizer", "AdamW", "Learning rate", "1e-6")], [(1e-6, None)]),
    "a description beside the value": (
        [td("Parameter", "Value", "Notes"), td("Learning rate", "1e-6", "after a warm-up")],
        [(1e-6, None)],
    ),
    "a formula": ([td("Learning rate", math("1\\times 10^{-6}"))], [(1e-6, None)]),
    "a search": ([td("learning rate", "{1e-5, 3e-5}")], []),
    "planned and actual": ([td("Learning rate", "1e-5 (planned), 3e-5 (actual)")], []),
}


@pytest.mark.parametrize(("rows", "expected"), TABLES.values(), ids=TABLES)
def test_a_row_gives_one_value_or_one_for_each_stage(rows: list[str], expected: list[tuple[float, str | None]]) -> None:
    found = setting("learning_rate", section("2", "Setup", cells(*rows)))
    assert [(item["value"], item["stage"]) for item in found["items"]] == expected
    assert expected or found["state"] == "quoted"


NOT_A_VALUE = {"no number": [["Learning rate", "tuned"]], "a result": [["Learning rate", "GSM8K"], ["high", "61.2"]]}


@pytest.mark.parametrize("rows", NOT_A_VALUE.values(), ids=NOT_A_VALUE)
def test_a_row_without_a_value_states_nothing(rows: list[list[str]]) -> None:
    assert setting("learning_rate", section("2", "Setup", table("Table 1", "Settings.", rows)))["state"] == "not stated"


def test_a_search_space_is_quoted() -> None:
    rows = table("Table 1", "Search space of our runs.", [["LoRA rank", "16"], ["Learning rate", "1e-3"]])
    found = setting("learning_rate", section("2", "Setup", rows))
    assert (found["items"], found["state"]) == ([], "quoted")


NO_SETTINGS = {
    "statistics of data": [["", "Mean", "Std", "Max"], ["prompt length", "437", "441", "2048"]],
    "a confidence interval": [["Model", "Length"], ["ours", "95 CI low"]],
    "a length of no sequence": [["Demo length", "38"]],
}


@pytest.mark.parametrize("rows", NO_SETTINGS.values(), ids=NO_SETTINGS)
def test_tables_that_state_no_setting(rows: list[list[str]]) -> None:
    assert given("max_length", section("2", "Setup", table("Table 1", "Lengths.", rows))) == []


def test_a_table_of_latencies_states_no_batch_size() -> None:
    rows = [["Batch size", "1", "16"], ["Adapter", "19.8", "338.0"]]
    assert given("batch_size", section("2", "Setup", table("Table 1", "Inference latency of one pass.", rows))) == []


def test_the_quote_of_a_table_is_a_row_of_it() -> None:
    rows = [["", "SFT", "DPO"], ["Learning rate", "2e-5", "5e-7"], ["Batch size", "128", "32"]]
    found = setting("learning_rate", section("2", "Setup", table("Table 1", "Settings.", rows)))
    assert {item["quote"] for item in found["items"]} == {"Learning rate | 2e-5 | 5e-7"}


LISTINGS = {
    "one line": (["learning_rate: 1.0e-6  # for the actor", "# learning_rate: 5e-6", "name: run_7"], [1e-6]),
    "an option": (["--learning_rate 3e-6"], [3e-6]),
    "a trainer's setting": (["trainer.lr = 2e-6"], [2e-6]),
    "two that differ": (["learning_rate: 1e-6", "trainer.lr = 2e-6"], []),
}


@pytest.mark.parametrize(("lines", "expected"), LISTINGS.values(), ids=LISTINGS)
def test_a_listing_of_a_configuration(lines: list[str], expected: list[float]) -> None:
    """What is commented out is not in use."""
    listing = '<div class="ltx_listing">' + "".join(f'<div class="ltx_listingline">{line}</div>' for line in lines) + "</div>"
    found = setting("learning_rate", section("A", "Configuration", listing, kind="appendix"))
    assert [item["value"] for item in found["items"]] == expected
    assert [*found["items"], *found["quotes"]][0]["quote"].replace("  #", " #") == lines[0].replace("  #", " #")


def test_a_text_without_end_is_looked_at_to_a_bound() -> None:
    body = page(
        section("1", "Setup", para("The learning rate is 1e-5."), *[para("Words and words. " * 60)] * 9, para("We use 3 epochs."))
    )
    with mock.patch.object(extraction, "MOST_CHARACTERS", 5_000):
        found = recipe_of(body)["hyperparameters"]
    assert found["learning_rate"]["value"] == 1e-5
    assert found["epochs"]["state"] == "not stated"
    assert recipe_of(body)["hyperparameters"]["epochs"]["value"] == 3


def test_the_text_is_bounded_and_shows_three_quotes_of_a_parameter() -> None:
    stages = [section(str(number), "Setup", para(f"We use a batch size of {number} in run {number}.")) for number in range(2, 60)]
    long = [para(f"The learning rate is {number}e-5 and so on, {'word ' * 200}.") for number in range(1, 9)]
    text = text_of(page(*stages, section("99", "Details", *long)))
    assert len(text) <= 6_000
    lines = text.splitlines()
    assert lines[0].endswith("0 of 19 hyper-parameters stated without doubt, 2 quoted for you to judge")
    start = lines.index("batch_size:")
    assert [line.startswith("  quoted") for line in lines[start + 1 : start + 5]] == [True, True, True, False]
    assert any("further values and quotes: crawl_arxiv recipe" in line for line in lines)
