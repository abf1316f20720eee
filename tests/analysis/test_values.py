"""What an expression is worth, without running it: one script per row, the value that `max_steps=` gets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ml_intern_helpers.analysis.config_file import read_config
from ml_intern_helpers.analysis.options import Options, ParserOptions
from ml_intern_helpers.analysis.source import read_source
from ml_intern_helpers.analysis.values import Value
from ml_intern_helpers.preflight.context import read_context

DATACLASS = "from dataclasses import dataclass, field\n@dataclass\nclass A:\n  name: str = 'm'\n"
PARSER = "from transformers import HfArgumentParser\nfrom trl import ModelConfig, TrlParser\n"
HEAD = "import argparse, functools, os, sys\nfrom pathlib import Path\nfrom trl import SFTConfig, SFTTrainer\n"


def value(tmp_path: Path, text: str, options: ParserOptions | None = None) -> Value:
    """What the trainer's config gets as `x`."""
    script = tmp_path / "train.py"
    script.write_text(f"{HEAD}{text}\ntrainer = SFTTrainer('m', args=config)\ntrainer.train()\n", encoding="utf-8")
    facts = read_context(read_source(script), "jobs", options=Options(parser_options=options))
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
    "a parameter with one caller": ("def main(n):\n  return SFTConfig(x=n)\nconfig = main(3)", 3),
    "a parameter's default": ("def main(m, *, n=3):\n  return SFTConfig(x=n)\nconfig = main(1)", 3),
    "a parameter that all callers give alike": ("def make(n):\n  return SFTConfig(x=n)\nconfig = make(3)\nother = make(n=3)", 3),
    "a dict handed to a function": ("def make(options):\n  return SFTConfig(**options)\nconfig = make({'x': 3})", 3),
    "a config handed to a function and back": ("def same(c):\n  return c\nconfig = same(SFTConfig(x=3))", 3),
    "a helper of a helper": ("def one(n):\n  return SFTConfig(x=n)\ndef two(n):\n  return one(n + 1)\nconfig = two(2)", 3),
    "a tuple from a local function": ("def make():\n  return 'm', SFTConfig(x=3)\nname, config = make()", 3),
    "a dataclass field": (DATACLASS + "  n: int = 3\nconfig = SFTConfig(x=A().n)", 3),
    "a field() default": (DATACLASS + "  n: int = field(default=3)\na = A()\nconfig = SFTConfig(x=a.n)", 3),
    "a default_factory": (DATACLASS + "  n: list = field(default_factory=lambda: [3])\na = A()\nconfig = SFTConfig(x=a.n)", [3]),
    "an empty list by default": (DATACLASS + "  n: list = field(default_factory=list)\na = A()\nconfig = SFTConfig(x=a.n)", []),
    "a field given by name": (DATACLASS + "  n: int = 1\na = A(n=3)\nconfig = SFTConfig(x=a.n)", 3),
    "a field given by position": (DATACLASS + "  n: int = 1\na = A('m', 3)\nconfig = SFTConfig(x=a.n)", 3),
    "an inherited field": (DATACLASS + "@dataclass\nclass B(A):\n  n: int = 3\nconfig = SFTConfig(x=B(name='z').name)", "z"),
    "a namespace": ("from types import SimpleNamespace\nc = SimpleNamespace(n=3)\nconfig = SFTConfig(x=c.n)", 3),
    "read back from a config": ("first = SFTConfig(y=3)\nconfig = SFTConfig(x=first.y)", 3),
    "a default of a config's own subclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C(SFTConfig):\n  x: int = 3\nconfig = C()",
        3,
    ),
    "given over that default": (
        "from dataclasses import dataclass\n@dataclass\nclass C(SFTConfig):\n  x: int = 1\nconfig = C(x=3)",
        3,
    ),
    "parse_dict": (PARSER + "config, = HfArgumentParser(SFTConfig).parse_dict({'x': 3})", 3),
}
DEFAULTS = {
    "environ.get": ("config = SFTConfig(x=int(os.environ.get('STEPS', '20')))", 20, "STEPS"),
    "getenv without a default": ("config = SFTConfig(x=os.getenv('HUB_ID'))", None, "HUB_ID"),
    "bool of it": ("hub = os.environ.get('HUB_ID')\nconfig = SFTConfig(x=bool(hub))", False, "HUB_ID"),
    "in environ": ("config = SFTConfig(x='HUB_ID' in os.environ)", False, "HUB_ID"),
    "an argparse default": ("p = argparse.ArgumentParser()\np.add_argument('--steps', type=int, default='20')\na = p.parse_args()\nconfig = SFTConfig(x=a.steps)", 20, "--steps"),
    "store_true": ("p = argparse.ArgumentParser()\np.add_argument('-p', '--push-it', action='store_true')\na = p.parse_args()\nconfig = SFTConfig(x=a.push_it)", False, "--push-it"),
    "parsed in a function": ("def cli():\n  p = argparse.ArgumentParser()\n  p.add_argument('--n', default=3)\n  return p.parse_args()\na = cli()\nconfig = SFTConfig(x=a.n)", 3, "--n"),
    "not on the command line": (PARSER + "config, = TrlParser((SFTConfig,)).parse_args_and_config()", "the default", "--x"),
    "the second of three": (PARSER + DATACLASS + "parser = HfArgumentParser((A, SFTConfig, ModelConfig))\n_, config, *_ = parser.parse_args_into_dataclasses()", "the default", "--x"),
    "an index": (PARSER + "config = HfArgumentParser(SFTConfig).parse_args_into_dataclasses()[0]", "the default", "--x"),
    "types under a name": (PARSER + "types = (ModelConfig, SFTConfig)\nm, config = TrlParser(dataclass_types=types).parse_args_and_config()", "the default", "--x"),
    "a field of a parsed dataclass": (PARSER + DATACLASS + "  n: int = 3\na, = TrlParser(A).parse_args_and_config()\nconfig = SFTConfig(x=a.n)", 3, "--n"),
    "a parsed subclass of a config": (PARSER + "from dataclasses import dataclass\n@dataclass\nclass C(SFTConfig):\n  x: int = 3\nconfig, = TrlParser(C).parse_args_and_config()", 3, "--x"),
    "parsed, then handed to main": (PARSER + DATACLASS + "  n: int = 3\ndef main(a):\n  return SFTConfig(x=a.n)\nif __name__ == '__main__':\n  p = HfArgumentParser(A)\n  (one,) = p.parse_args_into_dataclasses()\n  config = main(one)", 3, "--n"),
    "a conditional on a default": ("config = SFTConfig(x='a' if os.getenv('A') else 'b')", "b", "A"),
}  # fmt: skip
RUN_TIME = {
    "a call": "config = SFTConfig(x=pick())",
    "a parameter with two callers": "def main(n):\n  return SFTConfig(x=n)\nconfig = main(3)\nmain(4)",
    "a parameter of a function handed on": "def main(n):\n  return SFTConfig(x=n)\nconfig = main(3)\nFire(main)",
    "a parameter of a decorated function": "@app.command()\ndef main(n=3):\n  return SFTConfig(x=n)\nconfig = main(3)",
    "a parameter hidden in stars": "def main(n):\n  return SFTConfig(x=n)\nconfig = main(*given)",
    "a method's parameter": "class T:\n  def main(self, n=3):\n    return SFTConfig(x=n)\nconfig = SFTConfig(x=T().n)",
    "a parameter handed to itself": "def main(n):\n  main(n)\n  return SFTConfig(x=n)\nconfig = main(n)",
    "a field set later": DATACLASS + "  n: int = 1\na = A()\na.n = 3\nconfig = SFTConfig(x=a.n)",
    "a required field": PARSER
    + DATACLASS
    + "  n: int = field(metadata={})\na, = TrlParser(A).parse_args_and_config()\nconfig = SFTConfig(x=a.n)",
    "an annotation without @dataclass": "class A:\n  def __init__(self, n):\n    self.n = n\nconfig = SFTConfig(x=A(3).n)",
    "a field of a library's dataclass": PARSER
    + "m, = TrlParser(ModelConfig).parse_args_and_config()\nconfig = SFTConfig(x=m.dtype)",
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
    "a config behind an unknown parser": "from lib import Parser\nconfig, = Parser((SFTConfig,)).parse_args_and_config()",
    "a subclass that is no dataclass keeps the library's default": "class C(SFTConfig):\n  x: int = 3\nconfig = C(**load())",
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


BESIDE = {
    "a constant": ("N = 1\nN = 3\n", "from settings import N\nconfig = SFTConfig(x=N)"),
    "under another name": ("N = 3\n", "from settings import N as M\nconfig = SFTConfig(x=M)"),
    "through the module": ("N = 1 + 2\n", "import settings\nconfig = SFTConfig(x=settings.N)"),
    "relative": ("N = 3\n", "from .settings import N\nconfig = SFTConfig(x=N)"),
    "a dict": ("D = dict(x=1)\nD['x'] = 3\n", "from settings import D\nconfig = SFTConfig(**D)"),
    "it imports the script": (
        "import train\nfrom train import M\nN = 3\n",
        "from settings import N\nM = 1\nconfig = SFTConfig(x=N)",
    ),
}
NOT_BESIDE = {
    "set under a condition": ("N = 1\nif a:\n  N = 2\n", "from settings import N\nconfig = SFTConfig(x=N)"),
    "it has it from elsewhere": ("from other import N\n", "from settings import N\nconfig = SFTConfig(x=N)"),
    "it has it from the script": ("from train import N\n", "from settings import N\nN = N\nconfig = SFTConfig(x=N)"),
    "it cannot be read": ("N = = 3\n", "from settings import N\nconfig = SFTConfig(x=N)"),
    "not in it": ("M = 3\n", "from settings import N\nconfig = SFTConfig(x=N)"),
    "outside the folder": ("N = 3\n", "from ..settings import N\nconfig = SFTConfig(x=N)"),
}


@pytest.mark.parametrize(("module", "text"), BESIDE.values(), ids=BESIDE)
def test_a_module_beside_the_script_is_read(module: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(module, encoding="utf-8")
    assert value(tmp_path, text) == Value("known", 3)


@pytest.mark.parametrize(("module", "text"), NOT_BESIDE.values(), ids=NOT_BESIDE)
def test_a_module_beside_the_script_that_does_not_say(module: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(module, encoding="utf-8")
    (tmp_path / "other.py").write_text("N = 3\n", encoding="utf-8")
    assert value(tmp_path, text).state == "runtime"


def test_a_dict_of_a_neighbour_stands_where_the_script_unpacks_it(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("\n" * 40 + "D = {'x': 3}\n", encoding="utf-8")
    script = tmp_path / "train.py"
    script.write_text(f"{HEAD}from settings import D\nSFTTrainer('m', args=SFTConfig(**D)).train()\n", encoding="utf-8")
    made = read_context(read_source(script), "jobs").configs[0]
    assert getattr(made.entries.items["x"].node, "lineno", None) == 5


PARSES = {
    "TrlParser": "config, = TrlParser((SFTConfig,)).parse_args_and_config()",
    "beside another": "m, config = TrlParser((ModelConfig, SFTConfig)).parse_args_and_config()",
    "HfArgumentParser": "config = HfArgumentParser(SFTConfig).parse_yaml_file('c.yaml')[0]",
    "a field of the script's own": DATACLASS
    + "  x: int = 1\na, = TrlParser(A).parse_args_and_config()\nconfig = SFTConfig(x=a.x)",
    "a field of the library's": "m, = TrlParser(ModelConfig).parse_args_and_config()\nconfig = SFTConfig(x=m.x)",
}


@pytest.mark.parametrize("text", PARSES.values(), ids=PARSES)
def test_a_config_file_sets_what_is_parsed(text: str, tmp_path: Path) -> None:
    assert value(tmp_path, PARSER + text, ParserOptions({"x": 3}, file="c.yaml")) == Value("known", 3)


def test_a_config_file_gives_each_dataclass_its_own(tmp_path: Path) -> None:
    text = PARSER + DATACLASS + "  x: int = 1\n_, config = TrlParser((A, SFTConfig)).parse_args_and_config()"
    assert value(tmp_path, text, ParserOptions({"x": 3}, file="c.yaml")) == Value("default", "the default", "--x", by_option=True)


def test_a_config_file_that_cannot_be_read_leaves_it_unknown(tmp_path: Path) -> None:
    found = value(tmp_path, PARSER + PARSES["TrlParser"], ParserOptions(unread="c.yaml cannot be read"))
    assert (found.state, found.reason) == ("unknown", "c.yaml cannot be read")


def test_a_setting_that_cannot_be_read_in_the_file_is_set_at_run_time(tmp_path: Path) -> None:
    found = value(tmp_path, PARSER + PARSES["TrlParser"], ParserOptions(hidden={"x": "c.yaml nests it"}))
    assert (found.state, found.reason) == ("runtime", "c.yaml nests it")


def test_a_command_line_that_is_known_leaves_the_default(tmp_path: Path) -> None:
    text = PARSER + DATACLASS + "  n: int = 1\na, config = TrlParser((A, SFTConfig)).parse_args_and_config()"
    assert value(tmp_path, text, ParserOptions(complete=True)) == Value("known", "the default")
    assert value(tmp_path, f"{text}\nconfig.x = a.n", ParserOptions(complete=True)) == Value("known", 1)
    assert value(tmp_path, text, ParserOptions(complete=True, unread="c.yaml is gone")).state == "unknown"


def test_reading_a_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "c.yaml"
    file.write_text('{"max_steps": 3, "env": {"A": "b"}}', encoding="utf-8")
    assert read_config(file) == ParserOptions({"max_steps": 3}, file="c.yaml")
    file.write_text("max_steps: 3\nreport_to: [trackio]\ngates:\n  a: 1\nenv:\n  A: b\n", encoding="utf-8")
    plain = {"max_steps": 3, "report_to": ["trackio"]}
    assert read_config(file) == ParserOptions({**plain, "gates": {"a": 1}}, file="c.yaml")
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert (read_config(file).values, [*read_config(file).hidden]) == (plain, ["gates"])
