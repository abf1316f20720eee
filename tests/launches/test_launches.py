"""Command lines as people and agents write them: what is found in each, and what it resolves to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from ml_intern_helpers.core.errors import NotFound
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.indexes.libraries import shipped_library
from ml_intern_helpers.launches.launcher_options import tables
from ml_intern_helpers.preflight import registry
from ml_intern_helpers.preflight.launch_check import report_on
from support.helpers import ROOT, Outcome

SCHEMA = json.loads((ROOT / "docs/schemas/preflight_check.v1.json").read_text(encoding="utf-8"))
RECIPE = (ROOT / "skills/ml-intern/recipes/sft.py").read_text(encoding="utf-8")
JOB = "hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN"
PUSH = "--hub-id me/demo --space me/board"
PARSED = (
    '# /// script\n# dependencies = ["trl", "torch", "datasets", "trackio"]\n# ///\nfrom trl import SFTConfig, SFTTrainer, TrlParser\n'
    "from datasets import load_dataset\nconfig, = TrlParser(SFTConfig).parse_args_and_config()\n"
    "trainer = SFTTrainer('m', args=config, train_dataset=load_dataset('a/b', split='train'))\n"
    "trainer.train()\ntrainer.save_model(config.output_dir)\n"
)
HEREDOC = "from trl import SFTConfig\nSFTConfig(max_seq_length=1)\n"


@pytest.fixture(autouse=True)
def rules_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules that the cases name are asked: no other rule has a say in these tests."""
    named = {code for case in CASES.values() for code in case.codes}
    rules = {code: rule for code, rule in registry.all_rules().items() if code in named}
    monkeypatch.setattr(registry, "all_rules", lambda without="_": rules)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: the SFT recipe with and without its header, other scripts, a folder with a script."""
    body = RECIPE[RECIPE.index("# ///\n") + 6 :]
    header = '# /// script\n# dependencies = ["trl", "torch", "datasets", "peft", "trackio"]\n# ///\n'
    for name, text in {
        "header.py": RECIPE,
        "train.py": header + body,
        "bare.py": body,
        "prepare.py": "print('no training')\n",
        "sub/deep.py": header + body,
        "pkg/__main__.py": header + body,
        "train.sh.txt": "python train.py\n",
        "run.sh": "set -e\npython train.py --hubid x\n",
        "broken.py": "def f(:\n",
        "named.py": header + body.replace('"--project"', '"--name"').replace("args.project", "args.name"),
        "wandb.py": header + "import os\nkey = os.environ['MY_KEY']\n" + body,
        "config.yaml": "model_name_or_path: m\ndataset_name: a/b\nmax_seq_length: 12\n# note\nlearning_rate: 1.0e-4\n",
        "good.yaml": "output_dir: out\ndisable_tqdm: true\nlogging_first_step: yes\nlogging_strategy: steps\nreport_to: trackio\n"
        "project: p\nrun_name: r\ntrackio_space_id: me/board\npush_to_hub: true\nhub_model_id: me/demo\nbf16: false\n",
        "acc.yaml": "num_processes: 2\n",
        "parsed.py": PARSED,
        "parsed.yaml": "output_dir: out\ndisable_tqdm: true\nlogging_first_step: true\nreport_to: trackio\nrun_name: r\nseed: 1\n",
        "args.json": "{}",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "a token that this machine has")
    return tmp_path


class Case(NamedTuple):
    """A command line, the codes of its errors and warnings, and what its first launch resolves to."""

    line: str
    codes: set[str]
    entry: dict[str, Any]


CASES = {
    # --- wrappers: the launch is found wherever it stands
    "plain": Case("python train.py", set(), {"launcher": "python", "mode": "local", "script": "train.py"}),
    "bash -c": Case("bash -c 'python train.py'", set(), {"script": "train.py"}),
    "sh -lc": Case("sh -lc 'python3 -u train.py'", set(), {"script": "train.py"}),
    "bash -euxo pipefail -c": Case("bash -euxo pipefail -c 'python train.py'", set(), {"script": "train.py"}),
    "nested": Case("""bash -c "bash -c 'python train.py'" """, set(), {"script": "train.py"}),
    "docker run": Case(
        "docker run --gpus all --rm -v $PWD:/work -w /work -e FOO=1 image python train.py",
        set(),
        {"launcher": "docker run: python", "mode": "local", "script": "train.py", "env": ["FOO"]},
    ),
    "docker run, a shell, another folder": Case(
        'sudo docker run -it -v "$(pwd)/sub":/s img bash -c "cd /s && python deep.py"', set(), {"script": "deep.py"}
    ),
    "docker run, a mistyped script": Case("docker run -v .:/w img python /w/trian.py", {"LAUNCH107"}, {"script": "/w/trian.py"}),
    "docker run, --mount and --entrypoint": Case(
        "docker run --mount type=bind,source=.,target=/w --entrypoint python img -u /w/bare.py",
        set(),
        {"launcher": "docker run: python", "script": "/w/bare.py"},
    ),
    "podman and accelerate": Case(
        "podman run --device nvidia.com/gpu=all -v ./:/w -w /w img accelerate launch --num_processes 2 train.py",
        set(),
        {"launcher": "podman run: accelerate launch", "processes": 2, "script": "train.py"},
    ),
    "apptainer shares the folder": Case("apptainer exec --nv img.sif python train.py", set(), {"script": "train.py"}),
    "env prefixes": Case("FOO=1 env -u X BAR=2 python train.py", set(), {"env": ["BAR", "FOO"]}),
    "env -C": Case("env -C sub python deep.py", set(), {"script": "deep.py"}),
    "nohup": Case("nohup python train.py > log.txt 2>&1 &", set(), {"notes": ["runs in the background: watch its log"]}),
    "time, nice, sudo": Case("time nice -n 5 sudo -E -u me python train.py", set(), {"script": "train.py"}),
    "timeout": Case("timeout -k 5 2h python train.py", set(), {"notes": ["`timeout 2h` ends it after that time"]}),
    "cd": Case("cd sub && python deep.py", set(), {"script": "deep.py"}),
    "cd in a subshell": Case("(cd sub; ls) ; python train.py", set(), {"script": "train.py"}),
    "pipe": Case("python train.py | tee log.txt", set(), {"script": "train.py"}),
    "continued": Case("python \\\n  train.py \\\n --lr 1", set(), {"arguments": ["--lr", "1"]}),
    "variable of the line": Case("S=train.py; python $S", set(), {"script": "train.py"}),
    "substitution": Case(f"JOB=$({JOB} -d train.py {PUSH})", set(), {"launcher": "hf jobs uv run"}),
    "shell file": Case("bash run.sh", {"LAUNCH116"}, {"script": "train.py"}),
    "conda run": Case("conda run -n env python train.py", set(), {"script": "train.py"}),
    "poetry run": Case("poetry run python train.py", set(), {"script": "train.py"}),
    "module": Case("python -m pkg", set(), {"script": "pkg/__main__.py"}),
    "if then": Case("if [ -f x ]; then python train.py; fi", set(), {"script": "train.py"}),
    "own launcher": Case("MAX_STEPS=20 scripts/launch --env training train.py", set(), {"env": ["MAX_STEPS"]}),
    # --- texts of the line
    "heredoc": Case(f"python - <<'EOF'\n{HEREDOC}EOF\n", {"API101"}, {"script_kind": "text"}),
    "heredoc to a file": Case(f"cat > new.py <<'EOF'\n{HEREDOC}EOF\npython new.py", {"API101"}, {"script": "new.py"}),
    "tee": Case(f"tee new.py <<'EOF' >/dev/null\n{HEREDOC}EOF\n{JOB} new.py", {"API101"}, {"script": "new.py"}),
    "python -c": Case("python -c 'import trl\ntrl.SFTConfig(max_seq_length=1)'", {"API101"}, {"script_kind": "text"}),
    "from a file": Case("python < train.py", set(), {"script_kind": "text"}),
    # --- local launchers
    "accelerate": Case("accelerate launch --num_processes 2 train.py", set(), {"processes": 2, "launcher": "accelerate launch"}),
    "accelerate config": Case("accelerate launch --config_file acc.yaml train.py", set(), {"processes": 2}),
    "accelerate config missing": Case("accelerate launch --config_file zero.yaml train.py", {"LAUNCH107"}, {}),
    "for loop": Case(
        f"for lr in 1e-4 2e-4; do {JOB} train.py --lr $lr {PUSH}; done; python prepare.py",
        set(),
        {"flavor": "a10g-large", "notes": ["waits until the job has ended; -d returns at once", "in a loop: started 2 times, each at that price"]},
    ),
    "accelerate typo": Case("accelerate launch --num_procs 2 train.py", {"LAUNCH105"}, {"script": "train.py"}),
    "accelerate without script": Case("accelerate launch --num_processes 2", {"LAUNCH106"}, {"script": None}),
    "torchrun": Case("torchrun --nproc-per-node=4 train.py --lr 1", set(), {"processes": 4, "arguments": ["--lr", "1"]}),
    "torchrun abbreviated": Case("torchrun --nnod 1 train.py", set(), {"script": "train.py"}),
    "torch.distributed": Case("python -m torch.distributed.run --nproc_per_node 2 train.py", set(), {"launcher": "torchrun"}),
    "deepspeed": Case("deepspeed --num_gpus 2 train.py", set(), {"processes": 2}),
    "uv run": Case("uv run train.py", set(), {"launcher": "uv run"}),
    "uv run python": Case("uv run --with trl python train.py", set(), {"launcher": "uv run python"}),
    "uv run accelerate": Case("uv run accelerate launch train.py", set(), {"launcher": "uv run accelerate launch"}),
    "uv typo": Case("uv run --wiht trl train.py", {"LAUNCH105"}, {}),
    "trl": Case("trl sft --config good.yaml", set(), {"launcher": "trl sft", "script_kind": "trl"}),
    "trl bad file": Case("trl sft --config config.yaml", {"LAUNCH105", "LOG101", "LOG103", "LOG104"}, {}),
    "trl bad option": Case("trl sft --config good.yaml --max_seq_length 5", {"LAUNCH105"}, {}),
    "trl option wins": Case("trl sft --config good.yaml --disable_tqdm false", {"LOG101"}, {}),
    "trl no file": Case("trl sft --config missing.yaml", {"LAUNCH107"}, {}),
    "TrlParser": Case("python parsed.py", {"LOG101", "LOG103", "LOG104"}, {}),
    "TrlParser's file": Case("python parsed.py --config parsed.yaml", set(), {}),
    "TrlParser's file in another form": Case("accelerate launch parsed.py --config=parsed.yaml", set(), {}),
    "TrlParser's option wins": Case("python parsed.py --report_to none --config parsed.yaml --disable-tqdm false", {"LOG101", "LOG104"}, {}),
    "TrlParser's option under another name": Case("python parsed.py --config parsed.yaml --report-to=none", {"LOG104"}, {}),
    "TrlParser's file is missing": Case("python parsed.py --config passed.yaml", {"LAUNCH107"}, {}),
    "TrlParser's file is made before": Case("curl -O b/passed.yaml; python parsed.py --config passed.yaml", set(), {}),
    "TrlParser's file is written before": Case("cat > c.yaml <<'E'\nreport_to: trackio\nseed: 1\nE\npython parsed.py --config c.yaml", {"LOG101", "LOG103", "LOG106"}, {}),
    "TrlParser's file is named by the shell": Case("python parsed.py --config $FILE", set(), {}),
    "TrlParser's options come from the shell": Case("python parsed.py --config parsed.yaml --report_to \"$T\"", set(), {}),
    "JSON is not read for a command line": Case("python parsed.py args.json", set(), {}),
    "TrlParser's file in a job": Case(f"{JOB} parsed.py --config parsed.yaml", {"SAVE101", "SAVE102", "LOG105"}, {}),
    "script's own option": Case("python train.py --hubid me/x", {"LAUNCH116"}, {}),
    "missing shell file": Case("bash rum.sh", {"LAUNCH107"}, {"launcher": "bash"}),
    "sourced": Case("source venv/bin/activate && python train.py", set(), {"script": "train.py"}),
    "missing script": Case("python trian.py", {"LAUNCH107"}, {"script_kind": "unknown"}),
    "syntax error": Case("python broken.py", {"LAUNCH107"}, {}),
    "token": Case("HF_TOKEN=hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234 python train.py", {"LAUNCH109"}, {"env": ["HF_TOKEN"]}),
    # --- jobs
    "good job": Case(f"{JOB} train.py {PUSH}", set(), {"flavor": "a10g-large", "timeout_s": 14400, "cost": {"usd_per_hour": 1.5, "most_usd": 6.0, "as_of": "2026-08-21"}}),
    "header": Case(f"hf jobs uv run header.py {PUSH}", set(), {"flavor": "a10g-large", "timeout": "4h", "secrets": ["HF_TOKEN"]}),
    "option over header": Case(f"hf jobs uv run --timeout 1h header.py {PUSH}", {"LAUNCH101"}, {"timeout_s": 3600}),
    "no push": Case(f"{JOB} train.py", {"SAVE101", "SAVE102", "LOG105"}, {}),
    "smoke run": Case("hf jobs uv run --flavor t4-small -e MAX_STEPS=20 train.py", set(), {"timeout_s": 1800}),
    "nothing told": Case(f"hf jobs uv run train.py {PUSH}", {"LAUNCH101", "LAUNCH111", "LAUNCH112"}, {"flavor": "cpu-basic"}),
    "short": Case(f"{JOB} --timeout 90m train.py {PUSH}", {"LAUNCH101"}, {"timeout_s": 5400}),
    "grammar": Case(f"{JOB} --timeout 2h30m train.py {PUSH}", {"LAUNCH102"}, {"timeout_s": None}),
    "flavor": Case(f"{JOB} --flavor h100 train.py {PUSH}", {"LAUNCH104"}, {"cost": None}),
    "several GPUs": Case(f"{JOB} --flavor a100x4 train.py {PUSH}", {"LAUNCH113"}, {}),
    "several processes": Case(
        f"{JOB} --flavor a100x4 --with trl,torch,datasets --with peft --with trackio accelerate launch train.py {PUSH}",
        set(),
        {"launcher": "hf jobs uv run: accelerate launch", "packages": ["trl", "torch", "datasets", "peft", "trackio"]},
    ),
    "swallowed": Case(f"{JOB} named.py --name demo {PUSH}", {"LAUNCH115"}, {}),
    "behind --": Case(f"{JOB} -- named.py --name demo {PUSH}", set(), {}),
    "job's own behind": Case(f"hf jobs uv run train.py --flavor a10g-large --timeout 4h --secrets HF_TOKEN {PUSH}", set(), {}),
    "cluster": Case(f"{JOB} train.py -lr 2e-4 {PUSH}", {"LAUNCH115", "LAUNCH116"}, {}),
    "unknown option": Case(f"hf jobs uv run --flaver a10g-large --timeout 4h -s HF_TOKEN train.py {PUSH}", {"LAUNCH105", "LAUNCH112"}, {"script": "train.py"}),
    "env secret": Case(f"{JOB} -e WANDB_API_KEY=x train.py {PUSH}", {"LAUNCH110"}, {}),
    "no HF_TOKEN": Case(f"hf jobs uv run --flavor l4x1 --timeout 4h train.py {PUSH}", {"LAUNCH111"}, {}),
    "KeyError": Case(f"{JOB} wandb.py {PUSH}", {"LAUNCH111"}, {}),
    "given variable": Case(f"{JOB} -e MY_KEY=1 wandb.py {PUSH}", set(), {}),
    "secret not here": Case(f"{JOB} --secrets NOT_ON_THIS_MACHINE train.py {PUSH}", {"LAUNCH111"}, {}),
    "scheduled": Case(f"hf jobs scheduled uv run @daily --flavor l4x1 --timeout 4h -s HF_TOKEN train.py {PUSH}", {"LAUNCH114"}, {"schedule": "@daily"}),
    "public port": Case(f"{JOB} --expose-public 80 train.py {PUSH}", {"LAUNCH117"}, {}),
    "missing file": Case(f"{JOB} trian.py", {"LAUNCH107"}, {}),
    "missing argument file": Case(f"{JOB} train.py {PUSH} --model m.yaml", {"LAUNCH107"}, {}),
    "stays here": Case("hf jobs run --flavor l4x1 --timeout 4h -s HF_TOKEN img python train.py " + PUSH, {"LAUNCH108"}, {"image": "img"}),
    "mounted": Case("hf jobs run --flavor l4x1 --timeout 4h -s HF_TOKEN -v ./sub:/w img python /w/deep.py " + PUSH, set(), {"script": "/w/deep.py"}),
    "no image": Case("hf jobs run --flavor l4x1 python train.py", {"LAUNCH106"}, {}),
    "in a shell": Case("hf jobs run --flavor l4x1 --timeout 4h -s HF_TOKEN img bash -c 'pip install trl && python train.py'", {"LAUNCH108", "SAVE101", "SAVE102", "LOG105"}, {}),
    "old client": Case(f"huggingface-cli jobs uv run --flavor l4x1 --timeout 4h -s HF_TOKEN train.py {PUSH}", {"LAUNCH105"}, {}),
    "uvx": Case(f"uvx --from huggingface_hub {JOB} train.py {PUSH}", set(), {}),
    "namespace": Case(f"{JOB} --namespace org train.py {PUSH}", set(), {"namespace": "org"}),
    "volume": Case(f"{JOB} -v ./nowhere:/x train.py {PUSH}", {"LAUNCH106"}, {}),
    "no packages": Case(f"{JOB} bare.py {PUSH}", {"PKG101", "PKG102"}, {}),
    "packages by --with": Case(f"{JOB} --with trl --with torch --with datasets --with peft --with trackio bare.py {PUSH}", set(), {}),
}  # fmt: skip


def codes(report: Report) -> set[str]:
    return {one.code for one in report.findings if one.severity != "info"}


@pytest.mark.parametrize("name", CASES)
def test_launch(name: str) -> None:
    case = CASES[name]
    report = report_on(case.line, None, local=False)
    assert codes(report) == case.codes, report.findings
    entry = report.fields["launches"][0]
    assert {key: entry[key] for key in case.entry} == case.entry


UNKNOWN = {
    "python $SCRIPT": "`$SCRIPT` is set outside this command line",
    'python "$(ls *.py)"': "is known only when it runs",
    "hf jobs uv run https://example.com/train.py": "a script on the web is not read here",
    "cd $DIR && python train.py": "`$DIR` is set outside this command line",
    "git clone https://example.com/repo && cd repo && python go.py": "may be made by `git clone",
    "curl -O https://example.com/x.py && python x.py": "may be made by `curl",
    "echo 'x' > made.py && python made.py": "what `echo` writes to made.py",
    "python - <<EOF\nprint('$HOME')\nEOF": "quote its delimiter",
    "python -m some_package.train": "is not a file in this folder",
    "cat a | python -": "a cannot be read as a Python script",
    "hf jobs run img python /app/train.py": "is a file of the image",
    "bash train.sh.txt": "what train.sh.txt starts",
    "docker run img python train.py": "is a file of the image",
    "docker exec -w /w box torchrun train.py": "is a file of the image",
    "docker compose run --rm gpu python train.py": "is a file of the image",
    "docker run -v data:/data img python /data/x.py": "lies in what is mounted at /data",
    "hf jobs run img nvidia-smi": "starts no script that can be read",
}


@pytest.mark.parametrize("line", UNKNOWN)
def test_what_cannot_be_known_is_unknown_with_the_reason(line: str) -> None:
    report = report_on(line, None, local=False)
    assert report.status == "unknown", report.findings
    assert any(UNKNOWN[line] in one["reason"] for one in report.fields["unknowns"]), report.fields["unknowns"]


def test_more_words_may_come_with_a_variable() -> None:
    """An option may be in `$OPTS`: its absence is no fault then."""
    report = report_on(f"hf jobs uv run $OPTS train.py {PUSH}", None, local=False)
    assert "LAUNCH101" not in codes(report)
    report = report_on(f'hf jobs uv run --flavor "$F" --timeout "$T" -s HF_TOKEN train.py {PUSH}', None, local=False)
    assert codes(report) == set()
    reasons = [one["reason"] for one in report.fields["unknowns"]]
    assert any("which timeout" in reason for reason in reasons)
    assert any("which flavor" in reason for reason in reasons)


@pytest.mark.parametrize(
    "line",
    [
        "ls -la",
        "pip install trl",
        "hf jobs ps",
        "hf auth whoami",
        "docker ps",
        "docker run -d vllm/vllm-openai --model m",
        "docker run --rm img",
        "python --version",
        "python -m pip list",
        "",
        "echo python train.py",
        "trl env",
        "hf jobs run --help",
        "hf jobs uv run train.py --help",
        "git push",
        "# python train.py",
    ],
)
def test_no_launch_is_said(line: str) -> None:
    with pytest.raises(NotFound, match="no launch found"):
        report_on(line, None, local=False)


@pytest.mark.parametrize(
    ("option", "fix"),
    [
        pytest.param("--no_dataloader_pin_memory", "", id="a library's field that is on by default"),
        pytest.param("--no-gradient-checkpointing", "", id="with dashes; on in TRL's config alone"),
        pytest.param("--no_shuffle", "", id="the script's own, on"),
        pytest.param("--no_deep", "", id="the same, made by field()"),
        pytest.param("--no_cuda", "", id="a field that is called so"),
        pytest.param("--no_fast", "--fast False", id="the script's own, off"),
        pytest.param("--no_push_to_hub", "--push_to_hub False", id="a library's, off"),
        pytest.param("--no_nonsense", "delete it", id="no field at all"),
    ],
)
def test_only_what_is_on_by_default_has_a_no_form(option: str, fix: str, folder: Path) -> None:
    """As HfArgumentParser; the next test holds the fields against those of the real one."""
    own = (
        "from dataclasses import dataclass, field\n@dataclass\nclass Own:\n    shuffle: bool = True\n    fast: bool = False\n"
        "    deep: bool = field(default=True)\n    no_cuda: bool = False\n"
    )
    text = PARSED.replace("config, = TrlParser(SFTConfig)", f"{own}own, config = TrlParser((Own, SFTConfig))")
    (folder / "own.py").write_text(text, encoding="utf-8")
    found = [
        one for one in report_on(f"python own.py --output_dir o {option}", None, local=True).findings if one.code == "API101"
    ]
    assert [fix in (one.fix or "") for one in found] == ([True] if fix else [])


def test_the_no_forms_of_trl_are_those_of_the_index() -> None:
    library = shipped_library()
    for command, options in tables().trl.items():
        config = next(name for name in ("SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO", "Distillation") if name.lower() == command)
        signature = library.signature(f"trl.{config}Config")
        real = {name for name, kind in options.items() if kind == "config" and f"no_{name}" in options}
        assert signature is not None
        assert real == {one.name for one in signature.arguments if one.default == "True"}


@pytest.mark.parametrize(
    ("line", "repeats"),
    [
        pytest.param("python train.py", 1, id="no loop"),
        pytest.param("for i in 1 2 3; do python train.py; done", 3, id="a list"),
        pytest.param("for i in 1 2; do for j in a b c; do python train.py; done; done", 6, id="nested"),
        pytest.param(
            "for i in 1 2; do bash -c 'for j in a b c; do python train.py; done'; done", 6, id="nested in another shell"
        ),
        pytest.param("for i in *.yaml; do python train.py; done", None, id="a pattern"),
        pytest.param("while true; do python train.py; done", None, id="while"),
        pytest.param("for i in 1 2; do while true; do python train.py; done; done", None, id="while in a list"),
        pytest.param("for i in 1 2; do ls; done; python train.py", 1, id="behind a loop"),
    ],
)
def test_how_often_a_launch_starts_is_a_number_or_unknown(line: str, repeats: int | None) -> None:
    assert report_on(line, None, local=False).fields["launches"][0]["repeats"] == repeats


def test_each_launch_of_a_line_is_judged() -> None:
    report = report_on(f"python prepare.py && python train.py; {JOB} --timeout 1h header.py {PUSH}", None, local=False)
    assert [entry["launcher"] for entry in report.fields["launches"]] == ["python", "python", "hf jobs uv run"]
    assert [(one.code, one.file) for one in report.findings if one.severity != "info"] == [("LAUNCH101", "launch 3")]
    assert report.fields["method"] == "SFT"


def test_a_script_without_training_is_no_pass() -> None:
    assert report_on("python prepare.py", None, local=False).status == "unknown"


def test_the_named_script_is_tied_to_the_launch() -> None:
    assert report_on("python $S", Path("train.py"), local=False).status == "ok"
    assert codes(report_on("python train.py", Path("header.py"), local=False)) == {"LAUNCH107"}
    assert report_on("cd sub && python deep.py", Path("sub/deep.py"), local=False).status == "ok"


def test_given_arguments_make_values_known() -> None:
    report = report_on(f"{JOB} train.py {PUSH}", None, local=False)
    states = {item["id"]: item for item in report.fields["launches"][0]["checklist"]}
    assert states["push_to_hub"]["state"] == "pass"
    assert states["hub_model_id"]["evidence"].startswith('hub_model_id="me/demo"')
    assert states["timeout"]["evidence"] == "--timeout 4h"
    smoke = report_on("hf jobs uv run --flavor t4-small -e MAX_STEPS=20 train.py", None, local=False)
    assert smoke.fields["smoke_run_steps"] == 20


@pytest.mark.parametrize(
    ("line", "fix"),
    {
        "a config is no script": ("trl sft --config missing.yaml", ".yaml"),
        "a secrets file is no script": ("hf jobs uv run --timeout 4h --secrets-file .env train.py", "write the file first"),
        "a mistyped script": ("python trian.py", "did you mean train.py"),
    }.values(),
)
def test_only_files_of_the_kind_are_proposed(line: str, fix: str) -> None:
    fixes = [one.fix for one in report_on(line, None, local=False).findings if one.code in ("LAUNCH106", "LAUNCH107")]
    assert len(fixes) == 1
    assert fix in (fixes[0] or "")
    assert (".py" in (fixes[0] or "")) is ("trian" in line)


def test_secret_values_never_come_out(helper: Callable[..., Outcome], folder: Path) -> None:
    secret, token = "s3cr3t-value-of-mine", "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234"
    line = f"A={token} {JOB} -s KEY={secret} -e PASSWORD={secret} --token {token} train.py"
    for form in ("--json", "--text"):
        done = helper("preflight_check", "--launch", line, form, cwd=folder)
        assert token not in done.stdout + done.stderr
        assert secret not in done.stdout + done.stderr


def test_files_are_read_by_their_kind_alone(folder: Path) -> None:
    """The line may be judged without a permission prompt: it must not quote a key or a password list, nor a link to one."""
    secret = "api_key: s3cr3t-of-mine"
    for name in ("keys", "vars.txt", "keys.json"):
        (folder / name).write_text(
            f"{secret}\nPASSWORD=s3cr3t-of-mine\npython train.py --hubid s3cr3t-of-mine\n", encoding="utf-8"
        )
        (folder / f"{name}.yaml").symlink_to(name)
    (folder / "v.env").write_text("HUB=s3cr3t-of-mine\n", encoding="utf-8")
    (folder / "reads.py").write_text(RECIPE.replace("args.hub_id", "os.environ['HUB']"), encoding="utf-8")
    lines = [f"trl sft --config {name}{end}" for name in ("keys", "vars.txt", "keys.json") for end in ("", ".yaml")]
    lines += [
        "python < keys",
        "cat keys | python -",
        "bash keys",
        "source vars.txt; python prepare.py",
        "python keys",
        f"{JOB} --env-file vars.txt train.py",
    ]
    lines += [f"{JOB} --env-file v.env reads.py", "accelerate launch --config_file keys.yaml train.py", "hf jobs uv run keys"]
    for line in lines:
        report = report_on(line, None, local=False)
        assert "s3cr3t" not in json.dumps(report.to_dict()), line


def test_the_answer_fits_its_schema(helper: Callable[..., Outcome], folder: Path) -> None:
    for name in ("good job", "trl bad file", "heredoc", "missing file", "scheduled", "token", "unknown option"):
        done = helper("preflight_check", "--launch", CASES[name].line, "--json", cwd=folder)
        jsonschema.validate(done.json, SCHEMA)
        errors = sum(one["severity"] == "error" for one in done.json["findings"])
        assert done.code == (1 if errors else 0)
        assert (f"with {errors} error" if errors else "PASS") in done.json["verdict"]


def test_text_shows_verdict_then_the_resolved_launch(helper: Callable[..., Outcome], folder: Path) -> None:
    done = helper("preflight_check", "--launch", f"{JOB} train.py {PUSH}", cwd=folder, HF_TOKEN="x" * 20)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("PASS with 2 slots to fill: 1 launch, hf jobs uv run (SFT")
    assert lines[1] == f"launch: hf jobs uv run -> train.py {PUSH}"
    assert lines[2].startswith("  job      a10g-large (1 x A10G) for at most 4 h: at most $6.00, $1.50/h as of 2026-08-21")
    assert done.code == 0


def test_exit_codes(helper: Callable[..., Outcome], folder: Path) -> None:
    for line, code in (("ls", 3), ("python 'x", 3), ("python trian.py", 1), ("python $X", 3), ("python train.py", 0)):
        assert helper("preflight_check", "--launch", line, cwd=folder).code == code, line
