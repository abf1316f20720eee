"""Every check's documentation is executed: what its Bad example shows is found, in the sample and by the full scan; its Good one is not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dataset.viewer import Viewer, hub_with
from ml_intern_helpers.dataset.checks import registry
from support.helpers import ROOT, Outcome

Call = Callable[..., Outcome]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/inspect_dataset.v1.json").read_text(encoding="utf-8")))
CHECKS = registry.all_checks()
#: Built at run time: a text that looks like a key must not stand in a file.
SECRET = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1z"
#: What a module has that counts all rows.
COUNTS_ALL = ("flags", "SEARCH", "check_labels", "over_all_rows")
COUNTED = [module.CODE for module in registry.modules() if any(hasattr(module, name) for name in COUNTS_ALL)]


def example(code: str, which: str) -> list[str]:
    """The lines of the `Bad:` or `Good:` example of a check, without their indentation."""
    _, _, text = registry.explanation(CHECKS[code]).partition(f"\n{which}:\n")
    lines = text.partition("\n\n")[0].splitlines()
    return [line.removeprefix("    ").replace("{SECRET}", SECRET) for line in lines]


def rows_of(lines: list[str]) -> Iterator[str]:
    """`… {n} …  × 3` stands for three lines."""
    for line in lines:
        text, _, times = line.partition("  × ")
        for number in range(1, int(times or 1) + 1):
            yield text.replace("{n}", str(number))


def written(lines: list[str], folder: Path) -> tuple[str, list[str]]:
    """Write the example's files; the dataset's path, and the options that its command line names."""
    options: list[str] = []
    files: dict[str, list[str]] = {}
    name = "rows.jsonl"
    for line in rows_of(lines):
        if line.startswith("$ "):
            options = shlex.split(line)[3:]
        elif line.startswith("# "):
            name = line.removeprefix("# ")
        else:
            files.setdefault(name, []).append(line)
    for name, text in files.items():
        (folder / name).write_text("\n".join(text) + "\n", encoding="utf-8")
    return str(folder if len(files) > 1 else folder / name), options


@pytest.mark.parametrize("code", [code for code in CHECKS if code != "SET322"])
def test_bad_is_found_and_good_is_not(code: str, call: Call, tmp_path: Path) -> None:
    for which in ("Bad", "Good"):
        folder = tmp_path / which
        folder.mkdir()
        path, options = written(example(code, which), folder)
        split = ["--split", "train"] if Path(path).is_dir() else []
        report = call(path, *split, *options, "--json").json
        SCHEMA.validate(report)
        found = [item for item in report["findings"] if item["code"] == code]
        assert bool(found) == (which == "Bad"), report["findings"]
        if found and "scope" in found[0]:
            assert found[0]["rows"][:1] == [found[0]["line"]] or found[0]["line"] is None
            assert found[0]["share"] == pytest.approx(found[0]["count"] / found[0]["of"], abs=1e-6)


@pytest.mark.parametrize("code", COUNTED)
def test_the_full_scan_finds_the_same_rows(code: str, call: Call, tmp_path: Path) -> None:
    """The definition in SQL agrees with the one in Python on the check's own example."""
    path, options = written(example(code, "Bad"), tmp_path)
    split = ["--split", "train"] if Path(path).is_dir() else []
    facts = []
    for more in ([], ["--full"]):
        report = call(path, *split, *options, *more, "--json").json
        facts.append([(item["count"], item["of"]) for item in report["findings"] if item["code"] == code])
    assert facts[0] == facts[1] != []
    assert report["full"]["rows"] == facts[0][0][1]
    assert {item["scope"] for item in report["findings"] if item["code"] == code} == {"all rows"}


@pytest.mark.parametrize("which", ["Bad", "Good"])
def test_the_card_of_the_licence_example(which: str, call: Call) -> None:
    name, _, licence = example("SET322", which)[0].partition(": ")
    viewer = Viewer("ada/set", {("default", "train"): ([{"text": f"sentence number {n}"} for n in range(9)], 9)})
    hub, repo = hub_with("ada/set")
    repo.info = {"cardData": {name: licence}, "gated": False}
    try:
        report = call("ada/set", "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url).json
    finally:
        viewer.close()
        hub.service.close()
    assert ("SET322" in {item["code"] for item in report["findings"]}) == (which == "Bad")


@pytest.mark.parametrize("code", CHECKS)
def test_the_documentation_is_complete(code: str) -> None:
    """A title of one line, why it matters and what to do, a severity, a topic."""
    check = CHECKS[code]
    why = registry.explanation(check).partition("\nBad:")[0].strip().split("\n\n")
    assert len(why) == 2
    assert re.fullmatch(r"[A-Z].{10,130}\.", registry.title(check))
    assert len(why[1].split()) >= 3
    assert check.SEVERITY in registry.RANK
    assert check.TOPIC in registry.TOPICS


def test_explain(call: Call) -> None:
    done = call("--explain", "set307")
    assert done.code == 0
    assert done.stdout.startswith("SET307 (warning): Rows that repeat an earlier row word for word.\n")
    assert "\nBad:\n    {" in done.stdout
    report = call("--explain", "SET214", "--json").json
    SCHEMA.validate(report)
    assert report["verdict"] == "Nulls that make the trainer stop."
    assert report["explanation"].startswith("SET214 (error): ")
    wrong = call("--explain", "SET999")
    assert wrong.code == 2
    assert "codes: SET104 SET201" in wrong.stderr
    assert call().code == 2


def test_every_code_stands_in_the_documentation() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/gen_checks", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    assert [code for code in CHECKS if f"### {code}: " not in text] == []
    emitted: set[Any] = set()
    for path in (ROOT / "src/ml_intern_helpers/dataset").rglob("*.py"):
        emitted |= set(re.findall(r"\bSET\d{3}\b", path.read_text(encoding="utf-8")))
    assert emitted <= set(CHECKS)
