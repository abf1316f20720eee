"""Feature descriptions of `datasets` (as the Hub's services and files carry them) as text."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import clean

_WRAPPERS = {"List", "LargeList", "Sequence", "Array2D", "Array3D", "Array4D", "Array5D"}


def type_texts(features: Any) -> dict[str, str]:
    """Column -> type. Accepts the mapping of `/info` and the list of `/first-rows`."""
    if isinstance(features, list):
        features = {item["name"]: item["type"] for item in features}
    return {str(name): type_text(value) for name, value in features.items()}


def type_text(feature: Any, depth: int = 0) -> str:
    """`{"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}` -> `list<string>`."""
    if depth > 8:
        return "…"
    if isinstance(feature, list):
        return f"list<{type_text(feature[0], depth + 1) if feature else '?'}>"
    if not isinstance(feature, dict):
        return clean(feature, limit=60)
    name = feature.get("_type")
    if not isinstance(name, str):
        parts = (f"{clean(key, limit=60)}: {type_text(value, depth + 1)}" for key, value in feature.items())
        return f"struct<{', '.join(parts)}>"
    return _named(name, feature, depth)


def _named(name: str, feature: dict[str, Any], depth: int) -> str:
    if name == "Value":
        return clean(feature.get("dtype", "?"), limit=60)
    if name == "ClassLabel":
        names = [clean(label, limit=40) for label in feature.get("names", [])]
        more = f", … {len(names)} classes" if len(names) > 8 else ""
        return f"class label ({', '.join(names[:8])}{more})"
    if name in _WRAPPERS:
        return f"list<{type_text(feature.get('feature', feature.get('dtype', '?')), depth + 1)}>"
    return clean(name, limit=40).lower()
