"""Verdicts on what a script writes: an import, a call's keywords and positions. What the index cannot tell stays unknown."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ml_intern_helpers.api_index.pretrained import from_pretrained_keyword
from ml_intern_helpers.api_index.removed import Gone, what_became
from ml_intern_helpers.api_index.signatures import Library, Signature
from ml_intern_helpers.api_index.suggest import similar, similar_names

State = Literal["there", "missing", "unknown"]


class Verdict(NamedTuple):
    """What the releases say of a name or keyword.

    Attributes:
        state: `there`; `missing` (an import or call that fails); `unknown`.
        reason: for `unknown`, why, one clause.
        gone: for `missing`, when it went and what takes its place, if that is known.
        similar: for `missing`, names that exist and look like it.
    """

    state: State
    reason: str = ""
    gone: Gone | None = None
    similar: tuple[str, ...] = ()


THERE = Verdict("there")


def judge_import(library: Library, module: str, name: str | None = None) -> Verdict:
    """`import module`, or `from module import name`; also an attribute of a module (`trl.SFTConfig` after `import trl`)."""
    release = library.release_of(module)
    if release is None:
        return Verdict("unknown", f"{module.partition('.')[0]} is not indexed")
    if not release.has_module(module):
        offered = library.origin(module)
        return Verdict("unknown", f"{module} is no module file") if offered else _missing(library, module)
    if name is None or name == "*" or name in release.names(module) or release.has_module(f"{module}.{name}"):
        return THERE
    if name.startswith("__") or release.may_hold(module, name):
        return Verdict("unknown", f"what {module} imports for its own use is not indexed")
    return _missing(library, f"{module}.{name}")


def judge_keyword(library: Library, call: str, keyword: str) -> Verdict:
    """`call(…, keyword=…)` with call a class, function or method: `trl.SFTConfig`, `transformers.Trainer.train`."""
    owner, _, method = call.rpartition(".")
    if method == "from_pretrained":
        return _pretrained(library, owner, call, keyword)
    signature = called(library, call)
    if signature is None:
        return Verdict("unknown", f"the arguments of {call} are not indexed")
    if keyword in signature.names:
        return THERE
    if keyword == "use_auth_token" and _translates_tokens(library, call):
        return Verdict("unknown", "huggingface_hub before 1.0 turns use_auth_token into token in most calls")
    gone = what_became(library, f"{call}.{keyword}")
    if signature.open:
        return Verdict("unknown", f"{call} takes **kwargs", gone)
    near = similar(keyword, [argument.name for argument in signature.arguments])
    return Verdict("missing", "", gone, tuple(near))


def judge_positions(library: Library, call: str, count: int) -> Verdict:
    """Whether `call` takes `count` positional arguments (without `self`)."""
    signature = called(library, call)
    if signature is None or signature.variadic:
        return Verdict("unknown", f"the arguments of {call} are not indexed" if signature is None else f"{call} takes *args")
    return THERE if count <= len(positional(signature)) else Verdict("missing")


def positional(signature: Signature) -> list[str]:
    """Names in the order in which they may be given by position."""
    return [argument.name for argument in signature.arguments if not argument.keyword_only]


def called(library: Library, call: str) -> Signature | None:
    """The signature of a class's constructor, a function, or a method of a class."""
    owner, _, method = call.rpartition(".")
    return library.signature(call) or (library.method(owner, method) if owner else None)


def _translates_tokens(library: Library, call: str) -> bool:
    """By a decorator (`validate_hf_hub_args`), so no signature shows it."""
    release = library.release_of(call)
    return release is not None and release.package == "huggingface_hub" and release.version.startswith("0.")


def _pretrained(library: Library, owner: str, call: str, keyword: str) -> Verdict:
    found = from_pretrained_keyword(library, owner, keyword)
    if found.state in ("legal", "config", "kept"):
        return THERE
    if found.state == "removed":
        return Verdict("missing", "", found.gone)
    return Verdict("unknown", f"no argument of {call} and no field of a model's configuration is called {keyword}")


def _missing(library: Library, dotted: str) -> Verdict:
    became = what_became(library, dotted)
    near = () if became and became.replacement else tuple(similar_names(library, dotted))
    return Verdict("missing", "", became, near)
