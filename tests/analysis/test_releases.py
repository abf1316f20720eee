"""Which release a script is judged against, who says so, and what is said when none can be had."""

from __future__ import annotations

import argparse
import sys
import time
import venv
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.analysis.options import Options
from ml_intern_helpers.analysis.releases import Choice
from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.core import cpu_limit
from ml_intern_helpers.core.errors import Unavailable, UsageError
from ml_intern_helpers.indexes.libraries import shipped_versions
from ml_intern_helpers.preflight.context import read_context
from support.helpers import Outcome
from support.wheels import make_wheel

CURRENT = shipped_versions()
Helper = Callable[..., Outcome]
#: A trl of another age: it has what the current one lost, and lacks what that has.
OLD = {
    "__init__.py": "from .config import SFTConfig\nfrom .ppo import PPOTrainer\n",
    "config.py": "from dataclasses import dataclass\n@dataclass\nclass SFTConfig:\n    max_seq_length: int = 512\n",
    "ppo.py": "class PPOTrainer:\n    def __init__(self, config, model): ...\n",
}
SCRIPT = (
    "from trl import PPOTrainer, SFTConfig\nfrom trl import GRPOTrainer\nSFTConfig(max_seq_length=1)\nSFTConfig(max_length=1)\n"
)


def header(*requirements: str) -> str:
    listed = ", ".join(f'"{one}"' for one in requirements)
    return f"# /// script\n# dependencies = [{listed}]\n# ///\n"


def chosen(folder: Path, text: str, package: str, *with_: str, **files: str) -> Choice:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    (folder / "train.py").write_text(text or "x = 1\n", encoding="utf-8")
    facts = read_context(read_source(folder / "train.py"), "jobs", options=Options(with_=with_))
    return facts.offers.chosen.choice(package)


CHOICES: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "nothing pins it": ({}, CURRENT["trl"], "shipped"),
    "a range that admits the current release": ({"text": header("trl>=0.20,<2")}, CURRENT["trl"], "script block"),
    "a pin of the current release": ({"text": header(f"trl=={CURRENT['trl']}")}, CURRENT["trl"], "script block"),
    "a pin elsewhere": ({"text": header("trl==0.15.2")}, "0.15.2", "script block"),
    "a range below": ({"text": header("trl<1")}, None, "script block"),
    "a repository": ({"text": header("trl @ git+https://github.com/huggingface/trl")}, None, "script block"),
    "given at the launch": ({"with_": ("trl==0.14.0",)}, "0.14.0", "--with"),
    "the block beats the files": ({"text": header("trl"), "requirements__txt": "trl==0.15.2\n"}, CURRENT["trl"], "script block"),
    "requirements.txt": ({"requirements__txt": "# ours\ntorch\ntrl==0.15.2  # old\n-r more.txt\n"}, "0.15.2", "requirements.txt"),
    "a lock with hashes": (
        {"requirements__lock": "trl==0.15.2 \\\n    --hash=sha256:00\n", "requirements__txt": "trl==0.9\n"},
        "0.15.2",
        "requirements.lock",
    ),
    "uv.lock": ({"uv__lock": 'version = 1\n\n[[package]]\nname = "trl"\nversion = "0.15.2"\nsource = {}\n'}, "0.15.2", "uv.lock"),
    "uv.lock that forks": (
        {"uv__lock": "".join(f'[[package]]\nname = "trl"\nversion = "{v}"\n' for v in ("0.15.2", CURRENT["trl"]))},
        None,
        "uv.lock",
    ),
    "pyproject.toml": (
        {"pyproject__toml": '[project]\nname = "x"\ndependencies = ["trl==0.15.2"]\n'},
        "0.15.2",
        "pyproject.toml",
    ),
    "a broken pyproject.toml": ({"pyproject__toml": "[project\n"}, CURRENT["trl"], "shipped"),
    "held back by another pin": ({"text": header("transformers==4.48.0")}, None, "script block"),
    "not held back by a pin that it admits": ({"text": header("transformers==5.1.0")}, CURRENT["trl"], "shipped"),
}


@pytest.mark.parametrize(("given", "version", "source"), CHOICES.values(), ids=CHOICES)
def test_choice(given: dict[str, Any], version: str | None, source: str, tmp_path: Path) -> None:
    given = dict(given)
    found = chosen(tmp_path, given.pop("text", ""), "trl", *given.pop("with_", ()), **given)
    assert (found.version, found.source) == (version, source)
    assert found.why
    assert (found.release is None) is (version != CURRENT["trl"]), "another release than the shipped one is never judged by it"


def test_a_pin_of_a_dependency_holds_its_dependents_and_dependencies_back(tmp_path: Path) -> None:
    text = header("trl==0.12.0")
    assert (
        chosen(tmp_path, text, "transformers").why
        == "trl==0.12.0 (script block) may hold transformers back: pin transformers, too"
    )
    assert chosen(tmp_path, text, "peft").version == CURRENT["peft"]


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, str]:
    """The user's own settings: a folder of wheels is where packages come from."""
    make_wheel(tmp_path / "shelf", "trl", "0.15.2", OLD)
    return shelf_at(tmp_path)


def shelf_at(tmp_path: Path) -> dict[str, str]:
    places = dict.fromkeys(("PIP_FIND_LINKS", "UV_FIND_LINKS"), str(tmp_path / "shelf"))
    return {**places, "PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "UV_CACHE_DIR": str(tmp_path / "uv")}


def api(answer: dict[str, Any]) -> set[tuple[str, int, str]]:
    """The findings of the rules that compare the script with a release, as (code, line, fix)."""
    codes = ("API101", "API102", "API104", "API105", "API106")
    return {(one["code"], one["line"], one["fix"]) for one in answer["findings"] if one["code"] in codes}


def test_a_pinned_release_is_fetched_cached_and_judged(shelf: dict[str, str], helper: Helper, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(header("trl==0.15.2", "transformers==5.23.0") + SCRIPT, encoding="utf-8")
    answer = helper("preflight_check", str(script), "--json", **shelf).json
    assert {(code, line) for code, line, _ in api(answer)} == {("API102", 5), ("API101", 7)}
    assert any("raise the pin" in fix for _, _, fix in api(answer))
    assert answer["releases"]["trl"]["version"] == "0.15.2"
    assert answer["releases"]["trl"]["why"] == "pinned: trl==0.15.2 (script block)"
    again = helper("preflight_check", str(script), "--json", "--offline").json
    assert api(again) == api(answer)


def test_trl_decides_for_bf16_only_where_its_config_does(helper: Helper, tmp_path: Path) -> None:
    """Until 0.19 the configs of TRL inherited `bf16: bool = False`."""
    config = "from dataclasses import dataclass\nfrom transformers import TrainingArguments\n@dataclass\nclass SFTConfig(TrainingArguments):\n"
    files = {"__init__.py": "from .config import SFTConfig\nfrom .sft import SFTTrainer\n"}
    files["sft.py"] = "class SFTTrainer:\n    def __init__(self, model, args): ...\n    def train(self): ...\n"
    text = "from trl import SFTConfig, SFTTrainer\nSFTTrainer('m', SFTConfig('o')).train()\n"
    told = {}
    for version, field in {"0.15.2": "x: int = 0", "0.19.1": "bf16: bool | None = None"}.items():
        make_wheel(tmp_path / "shelf", "trl", version, files | {"config.py": f"{config}    {field}\n"})
        (tmp_path / "train.py").write_text(header(f"trl=={version}", "transformers==5.23.0") + text, encoding="utf-8")
        answer = helper("preflight_check", str(tmp_path / "train.py"), "--json", **shelf_at(tmp_path)).json
        told[version] = "HW101" in {one["code"] for one in answer["findings"]}
    assert told == {"0.15.2": False, "0.19.1": True}


def test_without_the_release_nothing_is_judged_by_another(helper: Helper, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(header("trl==0.15.2") + SCRIPT, encoding="utf-8")
    assert api(helper("preflight_check", str(script), "--json", "--offline").json) == set()
    script.write_text(header("trl==0.15.2") + SCRIPT + "t = PPOTrainer(1, 2)\nt.train()\n", encoding="utf-8")
    answer = helper("preflight_check", str(script), "--json", "--offline").json
    assert api(answer) == set()
    assert answer["releases"]["trl"]["judged"] is False
    assert any("offline, and no index of trl 0.15.2 is stored" in one["reason"] for one in answer["unknowns"])


def test_the_interpreter_named_decides(helper: Helper, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    site = next((tmp_path / "env/lib").glob("python*/site-packages"))
    (site / "trl").mkdir()
    for name, text in OLD.items():
        (site / "trl" / name).write_text(text, encoding="utf-8")
    (site / "trl-0.15.2.dist-info").mkdir()
    (site / "trl-0.15.2.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: trl\nVersion: 0.15.2\n", encoding="utf-8")
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    python = str(tmp_path / "env/bin/python")
    answer = helper("preflight_check", str(script), "--json", "--python", python).json
    assert {(code, line) for code, line, _ in api(answer)} == {("API102", 2), ("API101", 4)}
    assert answer["releases"]["trl"]["source"] == "--python"
    assert answer["releases"]["transformers"]["why"] == f"it is not installed beside {python}"


def test_an_interpreter_that_is_none(helper: Helper, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = helper("preflight_check", str(script), "--python", str(tmp_path / "nothing"))
    assert done.code == 2
    assert "does not run as a Python" in done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "",
        "print('{}')",
        "print('[1, 2]')",
        "print('[]')",
        "print('hello')",
        "raise SystemExit(3)",
        "import os; os.kill(os.getpid(), 9)",
    ],
    ids=["nothing", "an object", "numbers", "no path", "no JSON", "fails", "is killed"],
)
def test_a_program_that_is_not_python(tmp_path: Path, body: str) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    fake.chmod(0o755)
    with pytest.raises(UsageError, match="does not run as a Python"):
        release_beside(tmp_path, str(fake))


@pytest.mark.parametrize("python", ["", ".", "-c", "\x1b[31mred", "python3 -V", "/dev/null"])
def test_a_path_that_is_not_python(tmp_path: Path, python: str) -> None:
    with pytest.raises(UsageError, match="does not run as a Python") as caught:
        release_beside(tmp_path, python)
    assert "\x1b" not in str(caught.value)


def release_beside(folder: Path, python: str) -> Choice:
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    context = read_context(read_source(folder / "train.py"), "jobs", options=Options(python=python))
    return context.offers.chosen.choice("trl")


def test_only_what_the_script_imports_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("from datasets import load_dataset\nload_dataset('x')\n", encoding="utf-8")
    facts = read_context(read_source(tmp_path / "train.py"), "jobs")
    assert facts.api_calls
    assert set(facts.offers.releases) <= {"datasets", "huggingface_hub"}


def test_building_an_index_does_not_use_up_the_scripts_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pin of transformers 4.55 was answered with "train.py is too large to judge", at every call again."""
    monkeypatch.setattr(cpu_limit, "MOST_CPU_S", 0.2)

    def busy(args: argparse.Namespace, context: Any) -> Any:
        with cpu_limit.off_the_clock() if args.built else nullcontext():
            end = time.process_time() + 0.4
            while time.process_time() < end:
                pass
        return "judged"

    run: Any = cpu_limit.bounded(busy)
    assert run(argparse.Namespace(path=tmp_path, built=True), None) == "judged"
    with pytest.raises(Unavailable, match="too large"):
        run(argparse.Namespace(path=tmp_path, built=False), None)


@pytest.mark.parametrize(
    ("pin", "fix"),
    [
        pytest.param("0.21.0", "write max_length=", id="it went before the pinned release"),
        pytest.param("0.19.0", "did you mean max_length=?", id="the pinned release is older than what is known of it"),
    ],
)
def test_history_of_a_pinned_release(tmp_path: Path, helper: Helper, pin: str, fix: str) -> None:
    """What is known of a removal counts for every release since then, and for none before."""
    config = (
        "from dataclasses import dataclass\n@dataclass\nclass SFTConfig:\n    max_length: int = 512\n    output_dir: str = ''\n"
    )
    make_wheel(tmp_path / "shelf", "trl", pin, {"__init__.py": "from .config import SFTConfig\n", "config.py": config})
    script = tmp_path / "train.py"
    script.write_text(
        header(f"trl=={pin}") + "from trl import SFTConfig\nSFTConfig(output_dir='o', max_seq_length=5)\n", encoding="utf-8"
    )
    found = [
        one
        for one in helper("preflight_check", str(script), "--json", **shelf_at(tmp_path)).json["findings"]
        if one["code"] == "API101"
    ]
    assert [one["fix"][: len(fix)] for one in found] == [fix]
    assert ("removed in trl 0.20.0" in found[0]["message"]) == (pin == "0.21.0")
