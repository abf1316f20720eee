"""Determines which keywords `from_pretrained` accepts: named ones, those it pops, and fields of the model's configuration.

Any other keyword reaches the model's constructor, which fails. Tokenizers, processors and configurations keep unknown keywords.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from ml_intern_helpers.indexes.signatures import Library

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.removed import Gone

_KEEPS_ANYTHING = re.compile(r"(Config|Tokenizer|TokenizerFast|TokenizerBase|Processor|ProcessorFast|FeatureExtractor|Backend)$")
_BASE = "transformers.PreTrainedModel"
_GATHERED = ("transformers.PreTrainedModel", "transformers.PreTrainedConfig", "transformers.AutoConfig")


class Keyword(NamedTuple):
    """How `from_pretrained` treats one keyword.

    Attributes:
        state: `legal`; `config` (a field of some models' configurations, legal if this model has it); `kept` (tokenizers,
            processors and configurations accept anything); `removed` (accepted by older releases, now a TypeError); `doubtful`.
        gone: for `removed`, since when, and what to write instead.
    """

    state: Literal["legal", "config", "kept", "removed", "doubtful"]
    gone: Gone | None = None


def from_pretrained_keyword(library: Library, dotted: str, keyword: str) -> Keyword:
    """Judge `dotted.from_pretrained(…, keyword=…)`; `dotted` is a class of transformers (`transformers.AutoModelForCausalLM`)."""
    if keyword in known_names(library, dotted):
        return Keyword("legal")
    if _KEEPS_ANYTHING.search(dotted):
        return Keyword("kept")
    if not dotted.startswith("transformers."):
        return Keyword("doubtful")
    if library.is_config_field(keyword):
        return Keyword("config")
    from ml_intern_helpers.indexes.removed import gone

    for owner in (f"{dotted}.from_pretrained", f"{_BASE}.from_pretrained", "transformers.PreTrainedConfig"):
        removed = gone(f"{owner}.{keyword}")
        if removed is not None:
            return Keyword("removed", removed)
    return Keyword("doubtful")


def keeps_anything(name: str) -> bool:
    """Whether the name is of a tokenizer, processor or configuration, which keep unknown keywords."""
    return _KEEPS_ANYTHING.search(name) is not None


def known_names(library: Library, dotted: str) -> frozenset[str]:
    """The keywords that the call accepts: named ones, and those popped by the class or by what it passes keywords on to."""
    own = library.method(dotted, "from_pretrained")
    names = own.names if own else frozenset()
    if not dotted.startswith("transformers.") or _KEEPS_ANYTHING.search(dotted):
        return names
    for other in _GATHERED:
        method = library.method(other, "from_pretrained")
        names |= method.names if method else frozenset()
    return names if dotted.rpartition(".")[2].startswith("Auto") else names - {"code_revision"}
