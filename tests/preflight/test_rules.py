"""The registry, the documentation and what is emitted are one; each example in a docstring does what it says."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.preflight.checklist import LINES
from ml_intern_helpers.preflight.context import read_context
from ml_intern_helpers.preflight.launch_check import report_on
from ml_intern_helpers.preflight.registry import CODE_FORM, all_rules
from support.agreement import write_agreement
from support.helpers import ROOT

RULES = ROOT / "src/ml_intern_helpers/preflight/rules"


def example(code: str, which: str) -> str:
    """The `Bad:` or `Good:` example of a rule's docstring."""
    _, _, text = all_rules()[code].documentation.partition(f"\n{which}:\n\n")
    lines = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip() + "\n"


def is_launch(text: str) -> bool:
    return text.startswith("$ ")


def fires(code: str, script: Path, text: str) -> bool:
    """The example is a script, or (behind `$ `) the command line that launches the SFT recipe as train.py."""
    recipe = (ROOT / "skills/ml-intern/recipes/sft.py").read_text(encoding="utf-8")
    without_header = recipe[recipe.index("# ///\n") + 6 :]
    script.write_text(without_header if is_launch(text) else text, encoding="utf-8")
    write_agreement(script.parent, text)
    if is_launch(text):
        return code in {
            one.code for one in report_on(text.removeprefix("$ "), None, local=False).findings if one.severity != "info"
        }
    facts = read_context(read_source(script), all_rules()[code].modes[0])
    informs = all_rules()[code].severity == "info"
    return any(one.state == "fail" and (informs or one.severity != "info") for one in all_rules()[code].check(facts))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples lie: beside a local module, above an output folder in use (PKG103 and SAVE104 look there)."""
    (tmp_path / "out/checkpoint-500").mkdir(parents=True)
    (tmp_path / "helper_functions.py").touch()
    monkeypatch.setenv("HF_TOKEN", "a token that this machine has")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", all_rules())
def test_the_bad_example_fires_and_the_good_one_does_not(code: str, folder: Path) -> None:
    assert fires(code, folder / "train.py", example(code, "Bad"))
    assert not fires(code, folder / "train.py", example(code, "Good"))


def test_one_file_per_rule_named_after_its_code() -> None:
    files = {path.name.split("_")[0].upper() for path in RULES.glob("[a-z]*.py")}
    assert files == set(all_rules())
    assert all(CODE_FORM.fullmatch(code) for code in all_rules())


def test_docs_hold_every_rule_and_are_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/gen_checks", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    assert [code for code, rule in all_rules().items() if f"### {code}: {rule.title.rstrip('.')}" not in text] == []


def test_the_checklist_names_only_rules_that_exist() -> None:
    assert {code for line in LINES for code in line.codes} <= set(all_rules())


@pytest.mark.parametrize("code", all_rules())
def test_a_docstring_says_why_it_bites(code: str) -> None:
    why = all_rules()[code].documentation.partition("\nBad:")[0].strip().split("\n\n")
    assert len(why) >= 2, "a title and at least one paragraph"
    for which in ("Bad", "Good"):
        assert is_launch(example(code, which)) or ast.parse(example(code, which))


def test_rules_read_and_do_not_act() -> None:
    """A rule gets facts and gives outcomes: no printing, no process, no network."""
    for path in RULES.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not modules & {"subprocess", "socket", "urllib", "ml_intern_helpers.web.client"}, path.name
