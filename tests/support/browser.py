"""A headless Chromium, driven over its debugging pipe: no driver program, no web socket, no port.

Found as `CHROMIUM_BIN`, else on PATH. `CHROMIUM_LIBS` and `CHROMIUM_FONTS` are folders for a browser that brings its own.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: One process without sandbox: tests run as root, in containers, and look at our own files only.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--mute-audio",
    "--remote-debugging-pipe",
)
SECONDS = 30.0


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    return os.environ.get("CHROMIUM_BIN") or next(filter(None, map(shutil.which, NAMES)), None)


def _fonts(home: Path) -> Path:
    """A configuration that knows the system's fonts, if there are any, and those of `CHROMIUM_FONTS`."""
    made = home / "fonts.conf"
    folders = ("/usr/share/fonts", os.environ["CHROMIUM_FONTS"])
    listed = "".join(f"<dir>{folder}</dir>" for folder in folders)
    made.write_text(f"<?xml version='1.0'?><fontconfig>{listed}<cachedir>{home}/fontcache</cachedir></fontconfig>")
    return made


class Browser:
    """One running browser."""

    def __init__(self, program: str, home: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # The child reads from 3 and writes to 4; high numbers on this side cannot clash with those.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_read, to_write)]
        line = f'exec "$0" "$@" 3<&{ends[0]} 4>&{ends[1]}'
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        environment |= {"LD_LIBRARY_PATH": os.environ["CHROMIUM_LIBS"]} if "CHROMIUM_LIBS" in os.environ else {}
        environment |= {"FONTCONFIG_FILE": str(_fonts(home))} if "CHROMIUM_FONTS" in os.environ else {}
        flags = [*FLAGS, f"--user-data-dir={home}/profile"]
        self._process = subprocess.Popen(
            ["bash", "-c", line, program, *flags],
            pass_fds=ends,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._pending = b""
        self._next = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command and its result; events that come meanwhile are kept."""
        self._next += 1
        number = self._next
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self.events.append(answer)

    def wait(self, method: str, session: str) -> None:
        """Until an event has come."""
        while not any(event.get("method") == method and event.get("sessionId") == session for event in self.events):
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._pending:
            if not select.select([self._read], [], [], max(end - time.monotonic(), 0))[0]:
                raise AssertionError("the browser does not answer")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise AssertionError("the browser has ended")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\0")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the browser and what it has started."""
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def page(self, path: Path, *, width: int = 1280, dark: bool = False, media: str = "screen") -> Iterator[Page]:
        """Open a file and wait until it has loaded."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for name in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{name}.enable")
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        page.send("Emulation.setEmulatedMedia", media=media, features=scheme)
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        page.send("Page.navigate", url=path.as_uri())
        self.wait("Page.loadEventFired", session)
        try:
            yield page
        finally:
            self.send("Target.closeTarget", targetId=target)


class Page:
    """One open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)

    def eval(self, code: str) -> Any:
        """The value of an expression, promises awaited; in the page's own world, past its policy."""
        done = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def events(self, method: str) -> list[dict[str, Any]]:
        """What has been reported so far."""
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def requested(self) -> list[str]:
        """Every address the page has asked for, itself included."""
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        made = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(made["data"]))
