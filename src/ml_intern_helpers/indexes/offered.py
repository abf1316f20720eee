"""Whether a dotted name is there at all: a name, a method, or an argument of a call."""

from __future__ import annotations

from ml_intern_helpers.indexes.signatures import Library, Signature


def called(library: Library, call: str) -> Signature | None:
    """The signature of a class's constructor, a function, or a method of a class, its own or inherited."""
    owner, _, method = call.rpartition(".")
    return library.signature(call) or (library.method(owner, method) if owner else None)


def offered(library: Library, dotted: str) -> bool:
    """`trl.SFTConfig`, `trl.SFTTrainer.train` and `trl.SFTConfig.max_length` are; inherited methods and arguments count."""
    if library.origin(dotted) is not None or called(library, dotted) is not None:
        return True
    head, _, last = dotted.rpartition(".")
    signature = called(library, head)
    return signature is not None and (last in signature.names or _keeps_anything(library, head))


def _keeps_anything(library: Library, call: str) -> bool:
    """A dataclass made to take any keyword keeps it as an attribute: model configurations do, since transformers 5.4."""
    line = (record for _, record in library.line(library.origin(call) or ""))
    record = next((record for record in line if record.init is not None), None)
    if record is None or record.init is None or not record.fields:
        return False
    return record.init.open and record.init.arguments == tuple(field._replace(keyword_only=True) for field in record.fields)
