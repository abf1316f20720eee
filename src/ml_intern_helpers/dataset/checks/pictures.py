"""SET306: image columns. They need a vision-language model and its processor; a text model drops or refuses them."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that names the image columns."""
    names = [column.name for column in facts.columns if column.type in ("image", "list<image>")]
    names = names or [name for name in (facts.parts.get("images"),) if name]
    if names:
        told = f"images in {', '.join(repr(clean(name, limit=60)) for name in names)}: train a vision-language model"
        fix = "TRL reads 'images' or 'image' beside messages; for a text model, drop the column"
        stored = [name for name in names if _as_bytes(facts.look.types.get(name, ""))]
        if stored:
            told += f"; {stored[0]!r} is stored as bytes, which is no image to TRL"
            fix += f"; else first: dataset = dataset.cast_column({stored[0]!r}, datasets.Image())"
        yield Finding("SET306", "warning" if stored else "info", told, clean(facts.look.dataset, limit=200), fix=clean(fix))


def _as_bytes(kind: str) -> bool:
    """A file that `datasets` has not written says nothing of images: loaded, the cells are bytes, or structs with them."""
    return kind in ("binary", "large_binary") or (kind.startswith("struct<") and "bytes: binary" in kind)
