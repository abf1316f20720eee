"""What we resolve equals what the real `hf … --dry-run` resolves; where the client refuses a launch, so do we."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from launches.real_hf import resolve, timeout_seconds
from ml_intern_helpers.launches.find import launches_of
from ml_intern_helpers.launches.hf_jobs import DEFAULT_IMAGE
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.words import texts
from ml_intern_helpers.preflight.launch_check import examine_launches, fields_of_launch, report_on

HEADER = """# /// script
# dependencies = ["trl"]
# [tool.hf-jobs]
# flavor = "a10g-large"
# timeout = "4h"
# image = "custom/image:1"
# python = "3.12"
# namespace = "my-org"
# secrets = ["HF_TOKEN", "WANDB_API_KEY"]
# env = { A = "1", B = "two words" }
# volumes = ["hf://buckets/me/out:/out"]
# labels = { team = "ml" }
# ///
print("hello")
"""
RESOLVED = [
    "hf jobs uv run plain.py",
    "hf jobs uv run train.py",
    "hf jobs uv run --flavor t4-small train.py",
    "hf jobs uv run --timeout 90m train.py",
    "hf jobs uv run --timeout 7200 plain.py",
    "hf jobs uv run --timeout 1.5h plain.py",
    "hf jobs uv run --timeout=1d plain.py",
    "hf jobs uv run --image other:2 --python 3.11 --namespace you train.py",
    "hf jobs uv run -p 3.13 plain.py --epochs 2",
    "hf jobs uv run plain.py --flavor l4x1 --lr 2e-4",
    "hf jobs uv run plain.py -- --flavor l4x1 --lr 2e-4",
    "hf jobs uv run -- plain.py --flavor l4x1 --name me",
    "hf jobs uv run --flavor l4x1 -- plain.py --timeout 5m -- x",
    "hf jobs uv run plain.py --name demo --epochs 3",
    "hf jobs uv run plain.py -lr 2e-4",
    "hf jobs uv run plain.py -bs 4",
    "hf jobs uv run -dq plain.py",
    "hf jobs uv run -e MAX_STEPS=20 train.py",
    "hf jobs uv run -eMAX_STEPS=20 --env A=9 train.py",
    "hf jobs uv run -e 'C=\"a b\" # note' plain.py",
    "hf jobs uv run -e \"C='it''s'\" plain.py",
    "hf jobs uv run -e C=a#b -e D= plain.py",
    "hf jobs uv run -e NOT_SET_HERE plain.py",
    "hf jobs uv run -e '1BAD=x' plain.py",
    "hf jobs uv run --env-file vars.env plain.py",
    "hf jobs uv run --env-file vars.env -e FROM_FILE=over train.py",
    "hf jobs uv run --secrets HF_TOKEN plain.py",
    "hf jobs uv run -s HF_TOKEN -s OTHER=abc train.py",
    "hf jobs uv run --secrets-file vars.env plain.py",
    "hf jobs uv run --with trl --with 'peft>=0.1,<9' plain.py",
    "hf jobs uv run --with trl accelerate launch plain.py",
    "hf jobs uv run -v hf://datasets/a/b:/in -v hf://buckets/me/x:/out train.py",
    "hf jobs uv run --attempts 3 --expose 80 --expose-public 81 --ssh plain.py",
    "hf jobs uv run --network-group g --network-alias a plain.py",
    "hf jobs uv run -l team=x -l y plain.py",
    "hf jobs uv run --flavor no-such-flavor plain.py",
    "hf jobs uv run --flavor '' plain.py",
    "hf jobs uv run plain.py 'two words' '' '*'",
    "hf jobs uv run sub/deep.py --x=1 --x 2",
    "hf jobs run python:3.12 python -c 'print(1)'",
    "hf jobs run --flavor t4-small --timeout 2h pytorch/pytorch:latest python /srv/train.py",
    "hf jobs run img bash -c 'pip install trl && python t.py'",
    "hf jobs run img python t.py --timeout 5m --name foo -d",
    "hf jobs run img -- python t.py --timeout 5m --name foo -d",
    "hf jobs run -- img python t.py --timeout 5m",
    "hf jobs run -e A=1 -s HF_TOKEN --namespace org -v hf://m/x:/m img cmd",
    "hf jobs uv run -e C=#x -e 'D= #y' -e 'E=\"q\\n\"' plain.py",
    "hf jobs uv run --timeout '' train.py",
    "hf jobs uv run -v ./sub:/out train.py",
    "hf jobs scheduled run '@hourly' img cmd --flavor cpu-upgrade",
    "hf jobs scheduled run '0 0 * * *' --suspend --no-concurrency img cmd",
    "hf jobs scheduled uv run '@daily' train.py --with pandas --no-suspend",
    "hf jobs scheduled uv run --timeout 3h '@daily' plain.py --a b",
]
#: The client resolves these as if nothing were wrong.
ACCEPTED_WRONGLY = {
    "hf jobs uv run --timeout 4h --flavor t4-small trian.py": "LAUNCH107",
    "hf jobs uv run --timeout abc plain.py": "LAUNCH102",
    "hf jobs uv run --timeout 2h30m plain.py": "LAUNCH102",
    "hf jobs uv run --flaver t4-small plain.py": "LAUNCH105",
    "hf jobs run --unknown-thing img cmd": "LAUNCH105",
    "hf jobs run --image img python train.py": "LAUNCH105",
    "hf jobs run python plain.py": "LAUNCH106",
    "hf jobs run img python plain.py": "LAUNCH108",
    "hf jobs uv run plain.py -lr 2e-4": "LAUNCH115",
    "hf jobs uv run -e HF_TOKEN plain.py": "LAUNCH110",
    "hf jobs uv run plain.py config.yaml": "LAUNCH107",
    "hf jobs uv run -v ./nowhere:/in plain.py": "LAUNCH106",
    "hf jobs scheduled uv run @daily plain.py": "LAUNCH114",
}
REFUSED = [
    "hf jobs uv run",
    "hf jobs uv run --flavor",
    "hf jobs uv run --detach=yes plain.py",
    "hf jobs uv run --attempts 0 plain.py",
    "hf jobs uv run --expose web plain.py",
    "hf jobs uv run --name a --label name=b plain.py",
    "hf jobs uv run --json -q plain.py",
    "hf jobs uv run plain.py --timeout",
    "hf jobs uv run --volume nonsense:ro plain.py",
    "hf jobs uv run --env-file missing.env plain.py",
    "hf jobs uv run broken.py",
    "hf jobs run img",
    "hf jobs run",
    "hf jobs run --attempts many img cmd",
    "hf jobs scheduled run @daily img",
    "hf jobs scheduled uv run @daily",
    "hf jobs scheduled uv run @daily --format nonsense plain.py",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sub").mkdir()
    for name, text in (("plain.py", "print(1)\n"), ("train.py", HEADER), ("sub/deep.py", "print(2)\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "broken.py").write_text(HEADER.replace("flavor", "gpu"), encoding="utf-8")
    (tmp_path / "vars.env").write_text("# comment\nexport FROM_FILE = 'x y'\nTWO=2 # tail\n\nBARE_NOT_SET\n", encoding="utf-8")
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_UPDATE_CHECK"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_TOKEN", "a token that is none")
    monkeypatch.setenv("WANDB_API_KEY", "a key")
    for name in ("NOT_SET_HERE", "BARE_NOT_SET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ours(line: str, folder: Path) -> tuple[Launch, dict[str, object], dict[str, str]]:
    """The launch, its entry in the report, and the variables with their values."""
    launch = launches_of(line, folder)[0]
    facts = examine_launches([launch], mode="jobs")[0].examination.context
    return launch, fields_of_launch(facts), dict((facts.header.jobs or {}).get("env") or {})


@pytest.mark.parametrize("line", RESOLVED)
def test_we_resolve_what_the_client_resolves(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = resolve(shlex.split(line), folder, monkeypatch)
    assert real.values is not None, real.output
    launch, entry, env = ours(line, folder)
    values = real.values
    assert entry["flavor"] == values["flavor"]
    assert entry["image"] == values["image"]
    assert entry["timeout"] == (values["timeout"] or None)
    assert entry["timeout_s"] == (timeout_seconds(values["timeout"]) or 1800)
    from_file = {"FROM_FILE", "TWO"} if "--env-file" in line and "=over" not in line else {"TWO"}
    assert set(env) == set(values["env"])
    assert {name: text for name, text in env.items() if name not in from_file} == {
        name: text for name, text in values["env"].items() if name not in from_file
    }
    assert entry["secrets"] == sorted(values["secrets"])
    assert entry["volumes"] == values["volumes"]
    assert entry["namespace"] == values["namespace"]
    assert entry["schedule"] == values.get("schedule")
    assert entry["python"] == values.get("python")
    assert " ".join(texts(launch.packages)) == values.get("with", "")
    assert command_words(launch) == client_words(values)


def command_words(launch: Launch) -> list[str]:
    """Script and arguments, or the command that the container starts."""
    head = [launch.target.name] if launch.target.kind in ("file", "unknown") and ":" not in launch.launcher else []
    if ":" in launch.launcher:
        return ["(inside)"]
    return [*head, *texts(launch.args)]


def client_words(values: dict[str, object]) -> list[str]:
    words = shlex.split(str(values.get("command") or "")) or [str(values["script"]), *shlex.split(str(values["args"]))]
    inside = words[0] in ("accelerate", "bash", "python") and not words[-1].startswith("print(1)x")
    return ["(inside)"] if inside else words


@pytest.mark.parametrize("line", REFUSED)
def test_what_the_client_refuses_is_an_error_here(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = resolve(shlex.split(line), folder, monkeypatch)
    assert real.values is None
    report = report_on(line, None, local=False)
    assert {"LAUNCH103", "LAUNCH105", "LAUNCH106"} & {one.code for one in report.findings if one.severity == "error"}, (
        report.findings
    )


@pytest.mark.parametrize("line", ACCEPTED_WRONGLY)
def test_what_the_client_accepts_and_no_job_survives(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = resolve(shlex.split(line), folder, monkeypatch)
    assert real.values is not None, real.output
    assert ACCEPTED_WRONGLY[line] in {one.code for one in report_on(line, None, local=False).findings if one.severity == "error"}


@pytest.mark.parametrize(
    "timeout", ["4h", "90m", "1.5h", "7200", "0.5d", "30s", "2h30m", "90min", "30 minutes", "h", "1e3", "-1h", "inf"]
)
def test_timeouts_are_read_as_the_client_reads_them(timeout: str) -> None:
    from ml_intern_helpers.indexes import jobs

    try:
        expected = timeout_seconds(timeout)
    except (ValueError, OverflowError):
        expected = None
    assert jobs.timeout_seconds(timeout) == expected


def test_the_default_image_is_the_clients() -> None:
    from huggingface_hub.cli.jobs import DEFAULT_UV_IMAGE

    assert DEFAULT_IMAGE == DEFAULT_UV_IMAGE
