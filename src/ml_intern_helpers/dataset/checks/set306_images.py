"""Columns of images.

They need a vision-language model and its processor; a text model ignores or rejects them. TRL reads a column `images` or `image`
beside messages. If the file does not declare the column as images, `datasets` loads plain bytes, which TRL does not accept: cast
the column to `datasets.Image()` first.

Bad:
    {"prompt": [{"role": "user", "content": "What is this?"}], "images": ["photos/1.jpg"]}

Good:
    {"prompt": [{"role": "user", "content": "What is an image?"}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.columns import shown_name

CODE, TOPIC = "SET306", "columns"
#: A warning where the images are stored as bytes.
SEVERITY: Severity = "info"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that names the image columns."""
    names = [column.name for column in facts.columns if column.type in ("image", "list<image>")]
    names = names or [name for name in (facts.roles.get("images"),) if name]
    if not names:
        return
    message = f"images in {', '.join(map(shown_name, names))}: train a vision-language model"
    fix = "TRL reads 'images' or 'image' beside messages; for a text model, drop the column"
    stored = [name for name in names if _as_bytes(facts.sample.types.get(name, ""))]
    if stored:
        message += f"; {stored[0]!r} is stored as bytes, which TRL does not accept as images"
        fix += f"; otherwise first run: dataset = dataset.cast_column({stored[0]!r}, datasets.Image())"
    named = tuple(clean(name, limit=200) for name in names)
    level: Severity = "warning" if stored else SEVERITY
    yield Finding(CODE, level, message, clean(facts.sample.dataset, limit=200), fix=clean(fix), columns=named)


def _as_bytes(kind: str) -> bool:
    """Whether a type is that of images in files not written by `datasets`: bytes, or a struct with them."""
    return kind in ("binary", "large_binary") or (kind.startswith("struct<") and "bytes: binary" in kind)
