"""What a config file or a command line gives a TrlParser or HfArgumentParser, and none of its dataclasses takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_intern_helpers.analysis.options import Options, ParserOptions
from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.examine import examine

HEAD = """from dataclasses import dataclass
from transformers import HfArgumentParser, TrainingArguments
from trl import ModelConfig, SFTConfig, SFTTrainer, TrlParser
@dataclass
class Mine:
    rows: str = "a/b"
"""
TAIL = "\nSFTTrainer('m', args=config).train()\n"
#: The parser -> the names of {rows, max_length, max_seq_length, model_name_or_path} that it refuses.
REFUSES = {
    "one class": ("config, = TrlParser(SFTConfig).parse_args_and_config()", {"rows", "max_seq_length", "model_name_or_path"}),
    "two classes": ("config, m = TrlParser((SFTConfig, ModelConfig)).parse_args_and_config()", {"rows", "max_seq_length"}),
    "a class of its own": ("config, m = TrlParser((SFTConfig, Mine)).parse_args_and_config()", {"max_seq_length", "model_name_or_path"}),
    "HfArgumentParser": (
        "config = HfArgumentParser(SFTConfig).parse_args_into_dataclasses()[0]",
        {"rows", "max_seq_length", "model_name_or_path"},
    ),
    "a config with fields of its own": (
        "@dataclass\nclass C(SFTConfig):\n    rows: str = 'a'\nconfig, = TrlParser(C).parse_args_and_config()",
        {"max_seq_length", "model_name_or_path"},
    ),
    "what is left is handed back": (
        "config, rest = TrlParser(SFTConfig).parse_args_and_config(return_remaining_strings=True)",
        set(),
    ),
    "what is left is no error": ("config, = TrlParser(SFTConfig).parse_args_and_config(fail_with_unknown_args=False)", set()),
    "a class from elsewhere": ("from mine import M\nconfig, m = TrlParser((SFTConfig, M)).parse_args_and_config()", set()),
    "a class built on one from elsewhere": (
        "from mine import M\n@dataclass\nclass N(M):\n    x: int = 1\nconfig, m = TrlParser((SFTConfig, N)).parse_args_and_config()",
        set(),
    ),
    "parse_dict reads no command line": ("config, = HfArgumentParser(SFTConfig).parse_dict({'max_length': 8})", set()),
    "parse_dict": ("config, = HfArgumentParser(SFTConfig).parse_dict({'max_seq_length': 8})", {"max_seq_length"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "names"), REFUSES.values(), ids=REFUSES)
def test_refused(text: str, names: set[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(HEAD + text + TAIL, encoding="utf-8")
    values = {"rows": "b/c", "max_length": 8, "max_seq_length": 8, "model_name_or_path": "m"}
    found = examine(read_source(tmp_path / "train.py"), "local", options=Options(parser_options=ParserOptions(values)))
    told = [one for one in found.findings if one.code == "API101"]
    assert {name for one in told for name in values if f" gets {name}," in one.message} == names
    assert len(told) == len(names)
    assert all("write max_length=" in (one.fix or "") for one in told if " gets max_seq_length," in one.message)


def test_nothing_given_is_nothing_refused(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(HEAD + REFUSES["one class"][0] + TAIL, encoding="utf-8")
    assert not [one for one in examine(read_source(tmp_path / "train.py"), "local").findings if one.code == "API101"]
