"""What an expression is worth, without running it: one script per row, the value that `max_steps=` gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_intern_helpers.preflight.facts import facts_of
from ml_intern_helpers.preflight.source import read_source
from ml_intern_helpers.preflight.values import Value

HEAD = "import argparse, functools, os, sys\nfrom pathlib import Path\nfrom trl import SFTConfig, SFTTrainer\n"


def value(tmp_path: Path, text: str) -> Value:
    """What the trainer's config gets as `x`."""
    script = tmp_path / "train.py"
    script.write_text(f"{HEAD}{text}\ntrainer = SFTTrainer('m', args=config)\ntrainer.train()\n", encoding="utf-8")
    facts = facts_of(read_source(script), "jobs")
    return facts.value(facts.runs[0], "x", "the default")


KNOWN = {
    "a literal": ("config = SFTConfig(x=3)", 3),
    "not set": ("config = SFTConfig(y=3)", "the default"),
    "a name": ("N = 3\nconfig = SFTConfig(x=N)", 3),
    "the last of two plain bindings": ("N = 2\nN = 3\nconfig = SFTConfig(x=N)", 3),
    "a binding after the call does not count": ("N = 3\nconfig = SFTConfig(x=N)\nN = 4", 3),
    "both branches alike": ("if a:\n  N = 3\nelse:\n  N = 3\nconfig = SFTConfig(x=N)", 3),
    "a dead branch": ("N = 3\nif False:\n  N = 4\nconfig = SFTConfig(x=N)", 3),
    "arithmetic": ("A, B = 8, 4\nconfig = SFTConfig(x=A * B // 2 + 1)", 17),
    "a power": ("config = SFTConfig(x=2**5)", 32),
    "an f-string": ("name = 'qwen'\nconfig = SFTConfig(x=f'me/{name}-{1 + 1}')", "me/qwen-2"),
    "joined paths": ("config = SFTConfig(x=os.path.join('a', 'b'))", "a/b"),
    "pathlib": ("config = SFTConfig(x=str(Path('a') / 'b'))", "a/b"),
    "a text's methods": ("config = SFTConfig(x='Qwen/Qwen3'.split('/')[-1].lower())", "qwen3"),
    "a conditional with a constant test": ("config = SFTConfig(x=1 if True else 2)", 1),
    "not and comparison": ("N = 3\nconfig = SFTConfig(x=not N > 5)", True),
    "or": ("config = SFTConfig(x=None or 'b')", "b"),
    "a list": ("config = SFTConfig(x=['a', 'b'])", ["a", "b"]),
    "a class constant": ("class C:\n  n = 3\nconfig = SFTConfig(x=C.n)", 3),
    "an instance's constant": ("class C:\n  n: int = 3\nc = C()\nconfig = SFTConfig(x=c.n)", 3),
    "a dict's entry": ("d = {'n': 3}\nconfig = SFTConfig(x=d['n'])", 3),
    "an unpacked dict": ("d = {'x': 3}\nconfig = SFTConfig(**d)", 3),
    "dict() unpacked": ("config = SFTConfig(**dict(x=3))", 3),
    "the later of two dicts": ("config = SFTConfig(**{**{'x': 1}, 'x': 3})", 3),
    "an update": ("d = {'x': 1}\nd.update({'x': 3})\nconfig = SFTConfig(**d)", 3),
    "a setdefault that comes too late": ("d = {'x': 3}\nd.setdefault('x', 4)\nconfig = SFTConfig(**d)", 3),
    "a pop": ("d = {'x': 3}\nd.pop('x')\nconfig = SFTConfig(**d)", "the default"),
    "an attribute set after construction": ("config = SFTConfig(x=1)\nconfig.x = 3", 3),
    "setattr": ("config = SFTConfig(x=1)\nsetattr(config, 'x', 3)", 3),
    "a partial": ("make = functools.partial(SFTConfig, x=3)\nconfig = make(y=1)", 3),
    "the call overrides the partial": ("make = functools.partial(SFTConfig, x=1)\nconfig = make(x=3)", 3),
    "a local function that builds": ("def build():\n  return SFTConfig(x=3)\nconfig = build()", 3),
    "a strategy of transformers": (
        "from transformers import IntervalStrategy\nconfig = SFTConfig(x=IntervalStrategy.STEPS)",
        "steps",
    ),
    "a walrus": ("config = SFTConfig(x=(n := 3))", 3),
    "a module constant inside a function": ("N = 3\ndef main():\n  return SFTConfig(x=N)\nconfig = main()", 3),
}
DEFAULTS = {
    "environ.get": ("config = SFTConfig(x=int(os.environ.get('STEPS', '20')))", 20, "STEPS"),
    "getenv without a default": ("config = SFTConfig(x=os.getenv('HUB_ID'))", None, "HUB_ID"),
    "bool of it": ("hub = os.environ.get('HUB_ID')\nconfig = SFTConfig(x=bool(hub))", False, "HUB_ID"),
    "in environ": ("config = SFTConfig(x='HUB_ID' in os.environ)", False, "HUB_ID"),
    "an argparse default": ("p = argparse.ArgumentParser()\np.add_argument('--steps', type=int, default='20')\na = p.parse_args()\nconfig = SFTConfig(x=a.steps)", 20, "--steps"),
    "store_true": ("p = argparse.ArgumentParser()\np.add_argument('-p', '--push-it', action='store_true')\na = p.parse_args()\nconfig = SFTConfig(x=a.push_it)", False, "--push-it"),
    "parsed in a function": ("def cli():\n  p = argparse.ArgumentParser()\n  p.add_argument('--n', default=3)\n  return p.parse_args()\na = cli()\nconfig = SFTConfig(x=a.n)", 3, "--n"),
    "a conditional on a default": ("config = SFTConfig(x='a' if os.getenv('A') else 'b')", "b", "A"),
}  # fmt: skip
RUN_TIME = {
    "a call": "config = SFTConfig(x=pick())",
    "a parameter": "def main(n):\n  return SFTConfig(x=n)\nconfig = main(3)",
    "a condition decides": "N = 1\nif a:\n  N = 2\nconfig = SFTConfig(x=N)",
    "a loop variable": "for N in range(3):\n  config = SFTConfig(x=N)",
    "set again in the loop": "N = 1\nfor i in data:\n  config = SFTConfig(x=N)\n  N = 2",
    "the environment itself": "config = SFTConfig(x=os.environ['X'])",
    "an imported name": "from settings import N\nconfig = SFTConfig(x=N)",
    "an attribute set under a condition": "config = SFTConfig(x=1)\nif a:\n  config.x = 3",
    "a dict entry set under a condition": "d = {'x': 1}\nif a:\n  d['x'] = 2\nconfig = SFTConfig(**d)",
    "a required option": "p = argparse.ArgumentParser()\np.add_argument('--n', required=True)\nconfig = SFTConfig(x=p.parse_args().n)",
    "a huge power": "config = SFTConfig(x=10**10**8)",
    "a huge text": "config = SFTConfig(x='a' * 10**12)",
    "a division by zero": "config = SFTConfig(x=1 / 0)",
    "a name bound to itself": "N = N\nconfig = SFTConfig(x=N)",
    "set through an object that is not followed": "config = SFTConfig()\ntrainer0.args.x = 3",
    "global": "N = 1\ndef f():\n  global N\n  N = 2\nconfig = SFTConfig(x=N)",
}
UNKNOWN = {
    "unpacked from a call": "config = SFTConfig(**load())",
    "unpacked from a parameter": "def main(**kw):\n  return SFTConfig(**kw)\nconfig = main()",
    "a local function may have changed the dict": "def fill(d): ...\nd = {'y': 1}\nfill(d)\nconfig = SFTConfig(**d)",
    "a computed key": "config = SFTConfig(**{key: 1})",
    "a config from elsewhere": "from setup import make\nconfig = make()",
    "a config from the command line": "from trl import TrlParser\nconfig, = TrlParser((SFTConfig,)).parse_args_and_config()",
    "an unbound name": "config = SFTConfig(x=nowhere)",
}


@pytest.mark.parametrize(("text", "expected"), KNOWN.values(), ids=KNOWN)
def test_known(text: str, expected: object, tmp_path: Path) -> None:
    found = value(tmp_path, text)
    assert (found.state, found.value) == ("known", expected)


@pytest.mark.parametrize(("text", "expected", "variable"), DEFAULTS.values(), ids=DEFAULTS)
def test_default(text: str, expected: object, variable: str, tmp_path: Path) -> None:
    found = value(tmp_path, text)
    assert (found.state, found.value, found.reason) == ("default", expected, variable)


@pytest.mark.parametrize("text", RUN_TIME.values(), ids=RUN_TIME)
def test_set_at_run_time(text: str, tmp_path: Path) -> None:
    found = value(tmp_path, text)
    assert found.state == "runtime"
    assert found.reason


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown(text: str, tmp_path: Path) -> None:
    found = value(tmp_path, text)
    assert found.state == "unknown"
    assert found.reason
