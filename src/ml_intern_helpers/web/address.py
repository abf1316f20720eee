"""Where a request goes: the address that a path and its parameters make, and the one that a redirect names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode, urljoin

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.web.response import public_url
from ml_intern_helpers.web.services import Service, allowed_url, is_loopback, origin
from ml_intern_helpers.web.transport import Call

Params = Mapping[str, object]


def build_url(service: Service, path: str, params: Params | None) -> str:
    """The absolute URL of `path` at `service`; None values of `params` are left out, lists repeat their name."""
    base = service.base_url
    url = path if path.startswith(("http://", "https://")) else f"{base}/{path.lstrip('/')}"
    if origin(url) != origin(base):
        raise Unavailable(f"{service.name} is at {base}, not at {clean(public_url(url), limit=200)!r}")
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return url + ("&" if "?" in url else "?") * bool(pairs) + urlencode(pairs)


def ends_here(call: Call, target: str) -> bool:
    """Whether a redirect to `target` is the answer itself: it leaves a service that is not to be left."""
    try:
        return call.service.stays and origin(urljoin(call.url, target)) != origin(call.service.base_url)
    except ValueError:
        return False


def redirected(call: Call, status: int, target: str) -> Call:
    """`call` at the address a redirect names, without what must not travel there."""
    try:
        url = urljoin(call.url, target)
        allowed = allowed_url(url) and (is_loopback(call.url) or not is_loopback(url))
    except ValueError:
        url, allowed = target, False
    if not allowed:
        raise Unavailable(f"{call.service.name} redirects to {clean(public_url(url), limit=200)!r}, which is not followed")
    if origin(url) != origin(call.service.base_url):
        call = replace(call, auth={})
    if status == 303 or (status in (301, 302) and call.method == "POST"):  # as every browser does
        call = replace(call, method="GET", body=b"")
    return replace(call, url=url)
