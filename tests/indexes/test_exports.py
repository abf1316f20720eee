"""Each way in which these libraries fill a namespace, in a wheel of the test's own; and what is read of classes and functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_intern_helpers.indexes.lookup import offered
from ml_intern_helpers.indexes.signatures import Library
from support.wheels import library_of, release_of

LAZY = """
import sys
from typing import TYPE_CHECKING
from .import_utils import _LazyModule, is_x_available
_import_structure = {"config": ["AConfig"]}
_import_structure["trainer"] = ["ATrainer"]
_import_structure["trainer"].extend(["BTrainer", "CTrainer"])
_import_structure["trainer"] += ["DTrainer"]
_import_structure.setdefault("extra", []).append("Lost")
try:
    if not is_x_available():
        raise RuntimeError
except RuntimeError:
    pass
else:
    _import_structure["optional"] = ["Optional_"]
if TYPE_CHECKING:
    from .config import AConfig
else:
    sys.modules[__name__] = _LazyModule(__name__, globals()["__file__"], _import_structure)
"""


def test_lazy_tables_however_they_are_filled(tmp_path: Path) -> None:
    files = {"__init__.py": LAZY, **dict.fromkeys(("config.py", "trainer.py", "optional.py", "import_utils.py"), "")}
    names = release_of(tmp_path, files).names("trl")
    assert {"AConfig", "ATrainer", "BTrainer", "CTrainer", "DTrainer", "Optional_", "trainer", "config"} <= set(names)
    assert names["BTrainer"] == "trl.trainer:BTrainer"
    assert not {"sys", "TYPE_CHECKING", "is_x_available"} & set(names), "a module that replaces itself keeps no import of its own"


def test_scanned_models_and_names_of_version_four(tmp_path: Path) -> None:
    files = {
        "__init__.py": """
            import re, sys
            _LEGACY_MODULE_ALIASES = {"tokenization_utils_fast": "tokenization_utils_tokenizers"}
            _LEGACY_FAST_IMAGE_PROCESSOR_MODULE = re.compile("")
            import_structure = define_import_structure(Path(__file__).parent / "models", prefix="models")
            sys.modules[__name__] = _LazyModule(__name__)
        """,
        "tokenization_utils_tokenizers.py": "class PreTrainedTokenizerFast: ...",
        "models/__init__.py": "",
        "models/cat/__init__.py": "",
        "models/cat/modeling_cat.py": '__all__ = ["CatModel", "CatForCausalLM"]\nclass CatModel: ...\nclass Inner: ...',
        "models/cat/tokenization_cat.py": '__all__ = [\n    "CatTokenizer",\n]',
        "models/cat/image_processing_cat.py": '__all__ = ["CatImageProcessor"]',
        "utils/__init__.py": "",
        "utils/import_utils.py": 'name.endswith("TokenizerFast"); name.endswith("ImageProcessorFast")',
    }
    release = release_of(tmp_path, files, "transformers", "5.0.0")
    names = release.names("transformers")
    assert {"CatModel", "CatForCausalLM", "CatTokenizer", "CatTokenizerFast", "CatImageProcessorFast"} <= set(names)
    assert "Inner" not in names
    assert names["CatTokenizerFast"] == "transformers.models.cat.tokenization_cat:CatTokenizer"
    assert "PreTrainedTokenizerFast" in release.names("transformers.tokenization_utils_fast")
    assert release.has_module("transformers.models.cat.image_processing_cat_fast")


PLAIN = {
    "__init__.py": """
        from .a import *
        from .b import thing as renamed, other
        from . import c
        __version__ = "1"
        try:
            import fast
        except ImportError:
            fast = None
        if True:
            def late(): ...
        first, second = 1, 2
    """,
    "a.py": '__all__ = ["shown"]\ndef shown(): ...\ndef hidden(): ...',
    "b.py": "def thing(x): ...\nfrom .c import other",
    "c.py": "def other(y=1): ...",
}


def test_plain_statements(tmp_path: Path) -> None:
    release = release_of(tmp_path, PLAIN)
    library = Library(release)
    assert {"shown", "renamed", "other", "c", "fast", "late", "first", "second", "__version__", "a", "b"} <= set(
        release.names("trl")
    )
    assert "hidden" not in release.names("trl")
    assert library.origin("trl.other") == "trl.c:other", "followed through two modules"
    assert [argument.name for argument in library.signature("trl.renamed").arguments] == ["x"]  # type: ignore[union-attr]


def test_names_served_by_a_module_getattr(tmp_path: Path) -> None:
    files = {
        "lora/__init__.py": '_HOMES = {"Deep": ".deep"}\ndef __getattr__(name):\n if name == "Linear4bit": return 1\n return _HOMES[name]'
    }
    assert {"Linear4bit", "Deep"} <= set(release_of(tmp_path, files, "peft").names("peft.lora"))


INHERITED = {
    "__init__.py": "from .c import Child, Trainer, Open, Decorated, Wide, Lenient, Model, Plain, alias",
    "base.py": """
        from dataclasses import dataclass, field
        @dataclass
        class Base:
            a: int = 1
            b: list[str] = field(default_factory=list, metadata={"help": "The b. More."})
            c: str = field(init=False, default="x")
            d: "ClassVar[int]" = 3
            e: float = 0.5
    """,
    "c.py": '''
        from dataclasses import dataclass, field
        from .base import Base
        @dataclass
        class Child(Base):
            """A child.

            Args:
                e (`float`, *optional*):
                    The e. Second sentence.
            """
            e: float = 2e-5
            a: int = field(init=False)
            f: str | None = None
        class Trainer:
            def __init__(self, model, args=None, *, log=True): ...
            def train(self, resume=None, **kwargs):
                kwargs.pop("model_path", None)
                self.inner(**kwargs)
            def inner(self, trial=None): ...
            @staticmethod
            def make(x): ...
            @property
            def size(self): ...
        class Open(Trainer):
            def __init__(self, extra=1, **kwargs):
                super().__init__(**kwargs)
        class Wide(Trainer):
            def __init__(self, *args, **kwargs):
                for name in ["one", "two"]:
                    kwargs.pop(name, None)
        class Decorated:
            @deprecate_kwarg("tokenizer", new_name="processing_class", version="5")
            def __init__(self, processing_class=None): ...
        @strict(accept_kwargs=True)
        @dataclass(repr=False)
        class Lenient:
            labels: int = 2
        class Model(Lenient):
            width: int = 3
        @strict
        @dataclass
        class Plain:
            labels: int = 2
        def alias(a, /, b, *rest, c=None): ...
    ''',
}


@pytest.fixture(scope="module")
def inherited(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return library_of(tmp_path_factory.mktemp("wheels"), INHERITED)


def test_dataclass_fields_across_modules(inherited: Library) -> None:
    signature = inherited.signature("trl.Child")
    assert signature is not None
    found = {argument.name: (argument.default, argument.doc) for argument in signature.arguments}
    assert found == {"b": ("list()", "The b."), "e": ("2e-05", "The e."), "f": ("None", None)}
    assert list(found) == ["b", "e", "f"], "a redeclared field keeps its place, init=False drops it, a ClassVar is none"
    assert inherited.owners("trl.c:Child") == {"e": "trl.c:Child", "f": "trl.c:Child", "b": "trl.base:Base", "a": "trl.base:Base"}


@pytest.mark.parametrize(
    ("call", "names", "open_", "known"),
    [
        pytest.param("trl.Trainer", ["model", "args", "log"], False, set(), id="its own constructor"),
        pytest.param("trl.Open", ["extra"], True, {"model", "args", "log"}, id="kwargs go to the parent's"),
        pytest.param("trl.Wide", [], True, {"one", "two", "model"}, id="a loop over a literal list pops"),
        pytest.param("trl.Decorated", ["processing_class"], False, {"tokenizer"}, id="a decorator still translates"),
        pytest.param("trl.Lenient", ["labels"], True, set(), id="a dataclass that transformers 5.4 lets take any keyword"),
        pytest.param("trl.Model", ["labels"], True, set(), id="and what descends from it"),
        pytest.param("trl.Plain", ["labels"], False, set(), id="strict alone takes its fields only"),
        pytest.param("trl.alias", ["a", "b", "c"], False, set(), id="positional-only and keyword-only"),
    ],
)
def test_constructors(inherited: Library, call: str, names: list[str], open_: bool, known: set[str]) -> None:
    signature = inherited.signature(call)
    assert signature is not None
    assert ([argument.name for argument in signature.arguments], signature.open) == (names, open_)
    assert known <= signature.popped


def test_what_keeps_any_keyword_offers_it(inherited: Library) -> None:
    kept = {name for name in ("Lenient", "Model", "Plain", "Open") if offered(inherited, f"trl.{name}.num_labels")}
    assert kept == {"Lenient", "Model"}


def test_methods(inherited: Library) -> None:
    train, make = inherited.method("trl.Trainer", "train"), inherited.method("trl.Open", "make")
    assert train is not None
    assert train.names == {"resume", "model_path", "trial"}, "named, popped, and known to what gets the kwargs"
    assert make is not None
    assert [argument.name for argument in make.arguments] == ["x"], "inherited; a static method has no self"
    assert inherited.method("trl.Trainer", "size") is None, "a property is not called"


@pytest.mark.parametrize("text", ["def broken(:", "\x00", ""], ids=["syntax error", "NUL", "empty"])
def test_a_module_that_cannot_be_parsed_is_only_empty(tmp_path: Path, text: str) -> None:
    release = release_of(tmp_path, {"bad.py": text, "good.py": "x = 1"})
    assert release.has_module("trl.bad")
    assert dict(release.names("trl.bad")) == {}
    assert "x" in release.names("trl.good")
