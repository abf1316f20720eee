"""What a query becomes: plain words, arXiv's language, and nothing by accident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.papers.services.arxiv_query import build, parse_day

COMPILED = {
    "lora": "all:lora",
    "direct preference optimization": "all:direct AND all:preference AND all:optimization",
    "the effect of rank on LoRA": "all:effect AND all:rank AND all:LoRA",
    "what is the": "all:what AND all:is AND all:the",
    "fine-tuning": 'all:"fine tuning"',
    "GPT-4 vs. GPT-3.5": 'all:"GPT 4" AND all:"GPT 3.5"',
    "QLoRA: Efficient Finetuning of Quantized LLMs": "all:QLoRA AND all:Efficient AND all:Finetuning AND all:Quantized AND all:LLMs",
    'ti:"low rank" AND (au:hu OR au:"Del Maestro") ANDNOT cat:cs.CV': (
        'ti:"low rank" AND (au:hu OR au:"Del Maestro") ANDNOT cat:cs.CV'
    ),
    "ti:(lora OR (qlora memory)) abs:4-bit": '(ti:lora OR (ti:qlora AND ti:memory)) AND abs:"4 bit"',
    "title:lora author:hu": "ti:lora AND au:hu",
    "“low rank” adapters": 'all:"low rank" AND all:adapters',
    "lora NOT vision": "all:lora ANDNOT all:vision",
    "cats and dogs": "all:cats AND all:dogs",
    '"AND"': "all:and",
    "quantiz*": "all:quantiz*",
    "au:del_mae*": "au:del_mae*",
    "what is lora?": "all:lora",
    "foo:bar 16:9": 'all:foo AND all:bar AND all:"16 9"',
    "cat:cs": "cat:cs.*",
    "cat:(stat.ML OR cs)": "(cat:stat.ML OR cat:cs.*)",
    "a&id_list=1&max_results=9999#x%00": 'all:"a id_list 1 max_results 9999 x 00"',
    "\u202elora\x1b[31m": "all:lora",
    "模型 微调": "all:模型 AND all:微调",
}  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), COMPILED.items())
def test_a_query_becomes(query: str, expected: str) -> None:
    assert build(query) == expected


BROKEN = {
    '"not closed': "quote",
    "(lora": "balanced",
    "lora)": "balanced",
    "()": "nothing before",
    "AND lora": "nothing before",
    "lora OR": "ends in",
    "lora AND OR x": "nothing before",
    "ti:()": "nothing before",
    "": "nothing to search",
    "   ": "nothing to search",
    "?!*": "nothing to search",
    "cat:cs/CL": "not an arXiv category",
    "submittedDate:[202001010000 TO 202002010000]": "date ranges",
    "x" * 1001: "1001 characters",
}


@pytest.mark.parametrize(("query", "said"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_query_is_wrong_usage(query: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        build(query)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"categories": ["cs.CL"]}, "all:lora AND cat:cs.CL"),
        ({"categories": ["cs.CL,stat.ML", "hep-th"]}, "all:lora AND (cat:cs.CL OR cat:stat.ML OR cat:hep-th)"),
        ({"since": "2024", "until": "2024-02"}, "all:lora AND submittedDate:[202401010000 TO 202402292359]"),
        ({"until": "2023-1-5"}, "all:lora AND submittedDate:[198601010000 TO 202301052359]"),
    ],
)
def test_filters_join_the_query(arguments: dict[str, object], expected: str) -> None:
    assert build("lora", **arguments) == expected  # type: ignore[arg-type]


def test_a_filter_holds_for_every_alternative() -> None:
    assert build("a1 OR b1", categories=["cs.CL"]) == "(all:a1 OR all:b1) AND cat:cs.CL"


def test_since_alone_reaches_past_today_and_needs_no_words() -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert build("", since="2024-05-31") == f"submittedDate:[202405310000 TO {tomorrow:%Y%m%d}2359]"


@pytest.mark.parametrize("text", ["24", "2024-13", "2024-02-30", "yesterday", "2024/05/01", "2024-05-01; x", ""])
def test_a_date_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="not a date"):
        parse_day(text, last=False)


def test_since_after_until() -> None:
    with pytest.raises(UsageError, match="is after"):
        build("x1", since="2025", until="2024")
