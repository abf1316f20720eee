"""What the releases of a library announce of one call: its own arguments, inherited ones, and those that a decorator drops."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.indexes.pretrained import keeps_anything
from ml_intern_helpers.indexes.records import Announced, ClassRecord
from ml_intern_helpers.indexes.signatures import Library, Signature

#: The module of huggingface_hub's decorator that translates or drops arguments, and what the decorator calls: the first up to
#: release 0.36, the second since.
HANDLERS_MODULE = "huggingface_hub.utils._validators"
HANDLERS = ("smoothly_deprecate_use_auth_token", "smoothly_deprecate_legacy_arguments")


class Going(NamedTuple):
    """One announcement as it concerns a call.

    Attributes:
        told: what the release says.
        label: the release that says it (`transformers 5.23.0`).
        ignored: it is dropped now: writing it has no effect.
    """

    told: Announced
    label: str
    ignored: bool = False

    @property
    def when(self) -> str:
        """`to be removed in transformers 6`, or `to be removed` where the text names no release."""
        package, _, version = self.label.partition(" ")
        if not self.told.until:
            return "to be removed"
        if "-" in self.told.until:
            return f"to be removed after {self.told.until}"
        late = _numbers(self.told.until) <= _numbers(version)
        return f"{'its removal was announced for' if late else 'to be removed in'} {package} {self.told.until}"

    def concerns(self, value: object) -> bool:
        """Whether it is about an argument of this (known) value."""
        return not self.told.value or ast.literal_eval(self.told.value) == value


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def announced_of(library: Library, signature: Signature) -> list[Going]:
    """Everything announced of the class, function or method with this signature."""
    module, _, path = signature.origin.partition(":")
    owner, _, method = path.partition(".")
    if method:
        return (
            _of_method(library, f"{module}:{owner}", method)
            + _handed_on(library, signature.origin)
            + _dropped(library, signature)
        )
    if not isinstance(library.record(signature.origin), ClassRecord):
        return _said(library, signature.origin) + _dropped(library, signature)
    found = _said(library, signature.origin)
    for ancestor, _ in list(library.line(signature.origin))[1:]:  # its own farewell is not its children's
        found += [going for going in _said(library, ancestor) if going.told.name]
    return found


def _said(library: Library, origin: str) -> list[Going]:
    release = library.release_of(origin)
    return [Going(told, f"{release.package} {release.version}") for told in release.deprecated(origin)] if release else []


def _of_method(library: Library, origin: str, method: str) -> list[Going]:
    owner = next((owner for owner, record in library.line(origin) if method in record.methods), origin)
    return _said(library, f"{owner}.{method}")


def _handed_on(library: Library, origin: str) -> list[Going]:
    """`AutoModelForCausalLM.from_pretrained` passes its keywords to the model class's."""
    base = library.origin("transformers.PreTrainedModel")
    ours = origin.startswith("transformers.") and origin.endswith(".from_pretrained")
    if base is None or not ours or keeps_anything(origin.removesuffix(".from_pretrained")):
        return []
    return _said(library, f"{base}.from_pretrained")


def _dropped(library: Library, signature: Signature) -> list[Going]:
    """huggingface_hub's decorator takes some names that no function has any more."""
    if not (signature.popped and signature.origin.startswith("huggingface_hub.")):
        return []
    said = [going for handler in HANDLERS for going in _said(library, f"{HANDLERS_MODULE}:{handler}")]
    return [going._replace(ignored=True) for going in said if going.told.name in signature.popped]
