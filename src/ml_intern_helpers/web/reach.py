"""Is anybody there? Tells a dead service from a slow one, and never waits longer than told.

`requests` takes its connect timeout per address, and name resolution has none: behind a firewall that drops packets, a
host with eight addresses costs eight timeouts. So a request runs in a thread that may be left behind, and while it is
silent a second connection attempt settles whether the host accepts connections at all.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import socket


def accepts_connections(url: str, seconds: float) -> bool:
    """Whether the host and port of `url` take a TCP connection, by IPv4 or IPv6, within `seconds`."""
    import socket

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    there = threading.Event()

    def attempt(family: socket.AddressFamily) -> None:
        with suppress(OSError, UnicodeError):
            address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0]
            with socket.socket(*address[:3]) as connection:
                connection.settimeout(seconds)
                connection.connect(address[4])
                there.set()

    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=attempt, args=(family,), daemon=True).start()
    return there.wait(seconds)
