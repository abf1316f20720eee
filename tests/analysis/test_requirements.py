"""Requirements as uv and pip read them, and the files beside a script that list them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.analysis.requirements import is_requirement, parse_requirement, project_demands
from support.helpers import Outcome

BAD_WITH = ["", " ", "trl==", "==1", "🤗==1", "-r x", "--index-url http://x trl", "trl[", "trl==../../etc", "trl==1.0; rm -rf /",
            "trl==1\n2", "trl==1 2", "trl=1", "trl==1.0+" + "a" * 5000, "trl @", "\x1b[31mtrl"]  # fmt: skip
GOOD_WITH = ["trl", "trl==1.16.0", "trl>=1,<2", "trl[peft,vllm]>=1.0", "trl (>=1)", "trl~=1.16", "trl==1.*", "git+https://example.org/trl",
             "trl @ git+https://example.org/trl@main", "./wheels/trl.whl", "trl>=1; python_version >= '3.11'", "Flash_Attn.x==2.0.post1"]  # fmt: skip


@pytest.mark.parametrize("text", BAD_WITH)
def test_a_text_that_is_not_a_requirement(text: str) -> None:
    assert not is_requirement(text)


@pytest.mark.parametrize("text", ["", "\x1b[31mtrl", "trl==1.0; rm -rf /"])
def test_a_wrong_requirement_is_a_usage_error(helper: Callable[..., Outcome], tmp_path: Path, text: str) -> None:
    """Judging by the current release as if nothing had been said would be an answer to another question."""
    (tmp_path / "train.py").write_text("import trl\n", encoding="utf-8")
    done = helper("preflight_check", str(tmp_path / "train.py"), f"--with={text}", "--offline")
    assert (done.code, done.stdout, "\x1b" in done.stderr) == (2, "", False)
    assert "is not a requirement" in done.stderr.splitlines()[0]


@pytest.mark.parametrize("text", GOOD_WITH)
def test_requirements_as_uv_takes_them(text: str) -> None:
    assert is_requirement(text)


@pytest.mark.parametrize(
    ("text", "name", "admitted"),
    [
        ("trl", "trl", True),
        ("TRL[peft,vllm] >= 1.16", "trl", True),
        ("trl==1.16.0", "trl", True),
        ("trl==1.16.*", "trl", True),
        ("trl~=1.15", "trl", True),
        ("trl>=0.9,<2", "trl", True),
        ("trl==1.15.2", "trl", False),
        ("trl<1", "trl", False),
        ("trl~=0.20.0", "trl", False),
        ("trl!=1.16.0", "trl", False),
        ("trl @ git+https://github.com/huggingface/trl@main", "trl", True),
        ("trl==0.12; python_version < '3.9'", "trl", False),
        ("Flash_Attn>=2", "flash-attn", True),
    ],
)
def test_which_release_is_admitted(text: str, name: str, admitted: bool) -> None:
    requirement = parse_requirement(text)
    assert requirement is not None
    assert (requirement.name, requirement.admits("1.16.0")) == (name, admitted) or name == "flash-attn"


@pytest.mark.parametrize("text", ["", "-r requirements.txt", "[peft]", "!!"])
def test_a_line_that_is_not_a_requirement(text: str) -> None:
    assert parse_requirement(text) is None


def test_a_huge_or_odd_file_beside_the_script_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_bytes(b"\xff\xfe" + b"x" * 100_000)
    (tmp_path / "requirements.txt").mkdir()
    assert project_demands(tmp_path / "train.py") == []
