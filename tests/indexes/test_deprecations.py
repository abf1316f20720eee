"""What a release announces to take away, and what a decorator still takes: read from the texts, held against the real libraries."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.indexes.libraries import DATA, PACKAGES, shipped_library, shipped_versions
from ml_intern_helpers.indexes.lookup import Deprecation, announced_of, called, offered
from ml_intern_helpers.indexes.signatures import Announced
from ml_intern_helpers.indexes.stored_release import read_tables
from support import warm
from support.wheels import library_of, release_of

LIBRARY = shipped_library()

ANNOUNCED = {
    "`pad_token` is deprecated and will be removed in v2.0.0. Set `tokenizer.pad_token` instead.": Announced(
        "pad_token", "", "2.0.0", "Set `tokenizer.pad_token` instead."
    ),
    "`loss_type='x'` is deprecated and will be removed in v2.0.0.": Announced("loss_type", "'x'", "2.0.0", ""),
    "The `tokenizer` argument of `f` is deprecated and will be removed in TRL 2.0. Use `b` instead.": Announced(
        "tokenizer", "", "2.0", "Use `b` instead."
    ),
    "`use_rslora` in create is deprecated and will be removed after 2026-11-01. ": Announced("use_rslora", "", "2026-11-01", ""),
    "The `resume_download` argument is deprecated and ignored in `…`. Downloads always resume.": Announced(
        "resume_download", "", "", "Downloads always resume."
    ),
    "This import path is deprecated and will be removed in v2.0.0. Update your imports.": Announced(
        "", "", "2.0.0", "Update your imports."
    ),
}


#: What announces no removal of a name, and why not.
NOT_ANNOUNCED = {
    "one kind of value": "Passing `fsdp` as a string is deprecated and will be removed in v5.20.",
    "no name": "`bfd-requeue` is deprecated and will be removed in v2.0.0.",
    "no removal announced": "`sharding_strategy` is deprecated in favor of `reshard_after_forward`.",
    "no subject": "This is deprecated and will be removed in v2.",
    "no word of it": "`a` is set and `b` is set: both are used.",
    "not the library's": "`padding` was removed from the batch.",
    "empty": "",
}


def test_announcements(tmp_path: Path) -> None:
    """Each text as the warning of a class of its own; one that announces nothing adds nothing."""
    texts = [*ANNOUNCED, *NOT_ANNOUNCED.values()]
    classes = (f"class C{number}:\n    def __init__(self, **kwargs): warn({text!r})\n" for number, text in enumerate(texts))
    release = release_of(tmp_path, {"__init__.py": "".join(classes)})
    found = {text: release.deprecated(f"trl:C{number}") for number, text in enumerate(texts)}
    assert found == {text: (ANNOUNCED[text],) if text in ANNOUNCED else () for text in texts}


SOURCE = '''
import warnings
from huggingface_hub import _deprecate_method
class Config:
    """A config.

    Args:
        b (`int`): a number.

            <Deprecated version="1">
            Parameter `b` is deprecated and will be removed in version v3. Use `c` instead.
            </Deprecated>
    """
    def __init__(self, a=1, b=2, c=3):
        for old, new in (("a", "c"), ("x_1", "c")):
            warnings.warn(f"`{old}` is deprecated and will be removed in v{3}. "
                          f"Use `{new}` instead.")
    def old_method(self):
        if True:
            warnings.warn("`old_method` is deprecated and will be removed in v3.")
    def _private(self):
        warnings.warn("`a` is deprecated and will be removed in v9.")
    @_deprecate_method(version="4", message="Use `new` instead.")
    def older(self): ...
class Child(Config):
    pass
class Trainer:
    @deprecate_kwarg("tokenizer", new_name="processing_class", version="5.0.0", raise_if_both_names=True)
    def __init__(self, args: Config, processing_class=None):
        if args.flag:
            logger.warning("`flag=True` is deprecated and will be removed in v3.")
def gone(x):
    warnings.warn("`gone` is deprecated and will be removed in v3.", FutureWarning)
'''


def test_by_class_method_and_function(tmp_path: Path) -> None:
    release = release_of(tmp_path, {"__init__.py": SOURCE})
    use = "Use `c` instead."
    announced = {
        "trl:Config": (Announced("b", "", "3", use), Announced("a", "", "", use), Announced("x_1", "", "", use)),
        "trl:Config.old_method": (Announced("", "", "3", ""),),
        "trl:Config.older": (Announced("", "", "4", "Use `new` instead."),),
        "trl:Trainer": (
            Announced("tokenizer", "", "5.0.0", "Use `processing_class` instead."),
            Announced("args.flag", "True", "3", ""),
        ),
        "trl:gone": (Announced("", "", "3", ""),),
    }
    origins = {*announced, "trl:Config._private", "trl:Child", "trl:Trainer.__init__"}
    assert {origin: release.deprecated(origin) for origin in origins} == {**dict.fromkeys(origins, ()), **announced}


def test_inherited_with_the_arguments_not_with_the_class(tmp_path: Path) -> None:
    text = SOURCE.replace("class Child(Config):\n    pass", "class Child(Config):\n    def __init__(self, a, b): ...")
    library = library_of(tmp_path, {"__init__.py": text})
    signature = called(library, "trl.Child")
    assert signature is not None
    assert {going.announced.name for going in announced_of(library, signature)} == {"a", "b", "x_1"}


def test_served_names_are_there_until_they_go(tmp_path: Path) -> None:
    """transformers' model files serve old names through a `__getattr__` made from a table."""
    text = 'class New: ...\n__getattr__ = deprecate_attr(\n    __name__,\n    rename={"Old": (New, "5.29.0")},\n)\n'
    release = release_of(tmp_path, {"__init__.py": "", "models/__init__.py": "", "models/a.py": text}, "transformers")
    assert "Old" in release.names("transformers.models.a")
    assert "Idefics3ProcessorKwargs" in LIBRARY.releases["transformers"].names("transformers.models.idefics3.processing_idefics3")


def rows() -> list[tuple[str, Announced]]:
    found = []
    for package in PACKAGES:
        table = read_tables(DATA / f"{package}-{shipped_versions()[package]}.index")[1]["deprecated"]
        found += [(origin, Announced(*row)) for origin, told in table.items() for row in told]
    return found


def test_what_the_shipped_releases_announce_names_what_exists() -> None:
    """`Use `x` instead.`: an argument of the same call, or something that the package offers."""
    assert len(rows()) > 30
    for origin, told in rows():
        named = re.fullmatch(r"(?:Please )?[Uu]se `([A-Za-z_]+)` instead\.", told.advice)
        if named:
            module, _, path = origin.partition(":")
            owner, _, method = path.rpartition(".")
            signature = LIBRARY.method(f"{module}:{owner}", method) if owner else LIBRARY.signature(origin)
            package = module.partition(".")[0]
            places = (f"{package}.{named[1]}", f"{module}.{named[1]}", f"{LIBRARY.public_name(f'{module}:{owner}')}.{named[1]}")
            there = signature is not None and named[1] in signature.names
            assert there or any(offered(LIBRARY, place) for place in places), (origin, told)


VALUES = {"pad_token": "x", "use_transformers_paged": True, "vllm_importance_sampling_cap": 2.0, "loss_type": "chunked_nll"}
VALUES |= {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {}}
PROBE = """
import json, os, sys, warnings
os.environ["HF_HUB_OFFLINE"] = "1"
import transformers, trl
from huggingface_hub.utils import validate_hf_hub_args
said = {}
for call, name, value in json.loads(sys.argv[1]):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        getattr(transformers if call == "TrainingArguments" else trl, call)(output_dir=sys.argv[2], use_cpu=True, **{name: value})
    said[f"{call}.{name}"] = any("removed" in str(one.message) and f"`{name}" in str(one.message) for one in seen)
def taken(name):
    try:
        return validate_hf_hub_args(lambda repo_id, token=None: 1)(repo_id="a/b", **{name: 1}) == 1
    except TypeError:
        return False
print(json.dumps({"said": said, "taken": {name: taken(name) for name in json.loads(sys.argv[3])}}))
"""


def config_rows() -> list[tuple[str, str, Any]]:
    configs = [
        (origin.partition(":")[2], told) for origin, told in rows() if re.search(r":\w+(Config|TrainingArguments)$", origin)
    ]
    wanted = [(name, told) for name, told in configs if name == "TrainingArguments" or offered(LIBRARY, f"trl.{name}")]
    return [(name, told.name, VALUES[told.name]) for name, told in wanted if told.name]


@pytest.mark.training
def test_the_installed_libraries_say_so_at_run_time(tmp_path: Path) -> None:
    names = ["resume_download", "force_filename", "local_dir_use_symlinks", "proxies", "use_auth_token", "nonsense"]
    (tmp_path / "probe.py").write_text(PROBE)
    arguments = [json.dumps(config_rows()), str(tmp_path), json.dumps(names)]
    code, stdout, stderr = warm.run_training(tmp_path / "probe.py", arguments, dict(os.environ), tmp_path, timeout_s=170)
    assert code == 0, stderr[-3000:]
    found = json.loads(stdout.splitlines()[-1])
    assert len(found["said"]) >= 7
    assert all(found["said"].values()), found["said"]
    signature = called(LIBRARY, "huggingface_hub.hf_hub_download")
    assert signature is not None
    assert {name for name, there in found["taken"].items() if there} == signature.popped


VALIDATORS = {
    "0.36.0": """
def smoothly_deprecate_use_auth_token(fn_name, has_token, kwargs):
    new_kwargs = kwargs.copy()
    use_auth_token = new_kwargs.pop("use_auth_token", None)
    if has_token:
        pass
    elif use_auth_token is not None:
        new_kwargs["token"] = use_auth_token
    return new_kwargs
""",
    "1.0.0": """
def smoothly_deprecate_legacy_arguments(fn_name, kwargs):
    new_kwargs = kwargs.copy()
    resume_download = new_kwargs.pop("resume_download", None)
    return new_kwargs
""",
}
HUB = """
from .utils._validators import validate_hf_hub_args
@validate_hf_hub_args
def download(repo_id, token=None): ...
@validate_hf_hub_args
def without(repo_id): ...
def plain(repo_id, token=None): ...
class HfApi:
    @validate_hf_hub_args
    def upload(self, repo_id, *, token=None): ...
"""


@pytest.mark.parametrize(
    ("version", "taken"),
    [("0.36.0", {"download": {"use_auth_token"}, "HfApi.upload": {"use_auth_token"}}),
     ("1.0.0", {"download": {"resume_download"}, "without": {"resume_download"}, "HfApi.upload": {"resume_download"}})],
    ids=["0.36 translates use_auth_token where there is a token", "1.0 drops resume_download everywhere"],
)  # fmt: skip
def test_the_decorator_of_huggingface_hub(tmp_path: Path, version: str, taken: dict[str, set[str]]) -> None:
    files = {"__init__.py": HUB, "utils/__init__.py": "", "utils/_validators.py": VALIDATORS[version]}
    library = library_of(tmp_path, files, "huggingface_hub")
    for name in ("download", "without", "plain", "HfApi.upload"):
        signature = called(library, f"huggingface_hub.{name}")
        assert signature is not None
        assert signature.popped == taken.get(name, set()), name


def test_a_table_that_is_no_literal_announces_nothing(tmp_path: Path) -> None:
    text = "def f(a):\n    for old, new in table():\n        warn(f'`{old}` is deprecated and will be removed in v3.')\n"
    assert release_of(tmp_path, {"__init__.py": text}).deprecated("trl:f") == ()


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2.0.0", "to be removed in trl 2.0.0"),
        ("1.2", "its removal was announced for trl 1.2"),
        ("2026-11-01", "to be removed after 2026-11-01"),
        ("", "to be removed"),
    ],
)
def test_when(until: str, said: str) -> None:
    assert Deprecation(Announced("x", "", until), "trl 1.16.0").when == said
