"""The headless run: `/ml-train` in `-p`, with exactly the permissions the documents state, through to a trained model."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from support.client import ROOT, Session, claude, run_session
from support.git_http import serve_repository
from support.loopback import Loopback
from support.plugin_install import install, repository
from support.training import training_python

# The session alone takes half a minute on an idle machine; a busy one of two cores needs several times that.
pytestmark = [pytest.mark.client, pytest.mark.training, pytest.mark.timeout(420)]

HEADLESS = ROOT / "skills/ml-intern/references/headless-mode.md"
MODEL = Path(__file__).with_name("headless_model.py")
CARD = "0, GPU-aaaa, NVIDIA GeForce RTX 4090, 24564, 23010, 560.35.03, [N/A], 8.9"


def headless_line() -> str:
    """The command line that the reference states, between its marker and the end of the code block."""
    text = HEADLESS.read_text(encoding="utf-8").split("<!-- permission line", 1)[1]
    return text.split("```bash\n", 1)[1].split("\n```", 1)[0]


def allowed_tools() -> str:
    found = re.search(r'--allowedTools "([^"]+)"', headless_line())
    assert found
    return found[1]


def request() -> str:
    spec = importlib.util.spec_from_file_location("headless_model", MODEL)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    prompt: str = module.REQUEST
    return prompt


def test_readme_states_the_same_line() -> None:
    assert headless_line() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_permissions_name_no_helper_and_no_job() -> None:
    """Helpers that only read pass by the hook; what costs money is never in the line that people copy."""
    others = allowed_tools().replace("Bash(*/scripts/task.sh*),", "")
    assert others != allowed_tools(), "what was agreed is put on file, which the hook leaves to the user"
    assert not re.search(r"\.sh|detect_compute|inspect_dataset|hf jobs|Bash\(python|Bash\(uv|Bash\(\*\)|Bash[,\"]", others)


def a_card(folder: Path) -> str:
    """A PATH on which `nvidia-smi` tells of one card, so that the recommendation is to train here."""
    folder.mkdir(parents=True)
    tool = folder / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\necho "{CARD}"\n')
    tool.chmod(0o755)
    return f"{folder}:/usr/local/bin:/usr/bin:/bin"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    """The session, with the plugin installed from git under a path with a space, and its working folder."""
    claude()
    folder = tmp_path_factory.mktemp("headless") / "with a space"
    service = Loopback()
    install(folder / "home", serve_repository(service, repository(folder / "repository")))
    service.close()
    permissions = ["--allowedTools", allowed_tools()]
    variables = {"ML_INTERN_TRAINING_PYTHON": str(training_python()), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    path = a_card(folder / "bin")
    session = run_session(folder, MODEL, [request()], *permissions, home=folder / "home", limit_s=360, path=path, **variables)
    return session, folder / "work"


def test_result_is_reported_in_the_last_result_line(run: tuple[Session, Path]) -> None:
    session, _ = run
    session.check()
    result = session.result["result"]
    assert result.startswith("RESULT: done"), result
    assert re.search(r"held-out loss fell from [\d.]+ to [\d.]+", result)


def test_nothing_was_refused(run: tuple[Session, Path]) -> None:
    session, _ = run
    assert session.denials == []
    assert session.result["permission_denials"] == []
    assert [text for text, is_error in session.tool_results() if is_error] == []


def test_plan_is_written_and_ticked(run: tuple[Session, Path]) -> None:
    _, work = run
    boxes = re.findall(r"^- \[(.)\]", (work / ".ml-intern/plan.md").read_text(), flags=re.MULTILINE)
    assert boxes == ["x"] * 6
    assert json.loads((work / ".ml-intern/task.json").read_text())["where"] == "local"


def test_preflight_passed_before_training_started(run: tuple[Session, Path]) -> None:
    session, _ = run
    texts = [text for text, _ in session.tool_results()]
    passed = next(number for number, text in enumerate(texts) if text.startswith("PASS"))
    trained = next(number for number, text in enumerate(texts) if "'train_loss'" in text)
    assert passed < trained


def test_model_is_trained_and_saved(run: tuple[Session, Path]) -> None:
    _, work = run
    assert (work / "train.py").read_text().count("SFTTrainer(") == 1
    tuned, tiny = work / "tuned/model.safetensors", work / "tiny/model.safetensors"
    assert tuned.stat().st_size > 100_000
    assert tuned.read_bytes() != tiny.read_bytes(), "training changed no weight"
    assert json.loads((work / "tuned/checkpoint-10/trainer_state.json").read_text())["global_step"] == 10
