"""An arXiv id is recognised however it is written, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.papers.ids import parse_id, require_id

WRITTEN = {
    "2505.09388": "2505.09388",
    " 2505.09388v2 ": "2505.09388v2",
    "0704.0001": "0704.0001",
    "hep-th/9901001": "hep-th/9901001",
    "hep-th/9901001v3": "hep-th/9901001v3",
    "math.GT/0309136": "math/0309136",
    "arXiv:2505.09388v1": "2505.09388v1",
    "ARXIV: hep-th/9901001": "hep-th/9901001",
    "10.48550/arXiv.2505.09388": "2505.09388",
    "doi:10.48550/arxiv.hep-th/9901001": "hep-th/9901001",
    "https://doi.org/10.48550/arXiv.2505.09388": "2505.09388",
    "https://arxiv.org/abs/2505.09388v2": "2505.09388v2",
    "http://export.arxiv.org/abs/hep-th/9901001": "hep-th/9901001",
    "https://arxiv.org/pdf/2505.09388v2.pdf": "2505.09388v2",
    "https://www.arxiv.org/pdf/hep-th/9901001": "hep-th/9901001",
    "arxiv.org/html/2505.09388v1#S3.SS2": "2505.09388v1",
    "https://arxiv.org/abs/hep-th%2F9901001?context=math": "hep-th/9901001",
    "https://ar5iv.labs.arxiv.org/html/2505.09388": "2505.09388",
    "https://www.alphaxiv.org/overview/2505.09388": "2505.09388",
    "https://huggingface.co/papers/2505.09388": "2505.09388",
    "arXiv:2505.09388v2 [cs.CL] 16 Oct 2021": "2505.09388v2",
    "arXiv:hep-th/9901001v3 [hep-th]": "hep-th/9901001v3",
    "(2505.09388).": "2505.09388",
    "<https://arxiv.org/pdf/2505.09388v2.pdf>,": "2505.09388v2",
    "2505.09388v2.pdf": "2505.09388v2",
    "\u202a2505.09388\u200b": "2505.09388",
    "HEP-TH/9901001": "hep-th/9901001",
}
NOT_IDS = {
    "": "empty",
    "lora": "a word",
    "attention is all you need": "a title",
    "2505.093": "too few digits",
    "2505.093888": "too many digits",
    "2505.09388v0": "versions count from 1",
    "2505.09388 2106.09685": "two",
    "https://evil.example/abs/2505.09388": "another host",
    "https://arxiv.org.evil.example/abs/2505.09388": "a host that looks like arXiv's",
    "https://arxiv.org/list/cs.CL/recent": "a list",
    "https://arxiv.org/abs/../../etc/passwd": "a path",
    "10.1038/s41586-021-03819-2": "a journal's DOI",
    "2505.09388\nX: y": "a second line",
    "٢٥٠٥.٠٩٣٨٨x": "not ASCII",
    "ti:[a": "an address that urlsplit refuses",
    "see 2505.09388": "a sentence",
    "2505.09388" + "." * 100_000: "a stranger's trap for patterns",
    "[" * 100_000: "another one",
}


@pytest.mark.parametrize(("text", "expected"), WRITTEN.items())
def test_every_way_to_write_an_id(text: str, expected: str) -> None:
    assert str(parse_id(text)) == expected


@pytest.mark.parametrize("text", NOT_IDS, ids=NOT_IDS.values())
def test_what_is_not_an_id(text: str) -> None:
    assert parse_id(text) is None
    with pytest.raises(UsageError) as caught:
        require_id(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("2505.09388", True),
        ("1412.9999", True),
        ("hep-th/9901001", True),
        ("hep-th/9913001", False),
        ("1234.12345", False),
        ("0000.00000", False),
        ("2505.0938", False),
        ("1412.12345", False),
    ],
)
def test_an_id_that_arxiv_cannot_have_given_out(text: str, possible: bool) -> None:
    assert require_id(text).possible is possible
