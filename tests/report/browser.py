"""Chromium without a window, spoken to over a pipe: opens a page with the network cut and tells what it tried to do."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Where Chromium is, None where it is not.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no name is ever looked up
    "--proxy-server=127.0.0.1:9",  # and no address is ever reached
    "--remote-debugging-pipe",
)
_LAUNCH = "import os, sys; [os.dup2(int(sys.argv[k]), k + 2) for k in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])"
_PATIENCE = 120.0  # seconds for an answer; a busy machine is slow to start a browser


class Browser:
    """One page of a Chromium of our own.

    Attributes
    ----------
    requests : list of str
        Addresses that the page asked for, its own file and ``data:`` apart.
    dialogs, complaints : list of str
        Texts of ``alert`` and its like; errors of scripts and violations of the page's content security policy.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.complaints: list[str] = []
        self._count = 0
        self._rest = b""

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp()
        theirs_to_read, self._write = os.pipe()
        self._read, theirs_to_write = os.pipe()
        os.set_blocking(self._read, False)
        # Clear of 3 and 4, from which the browser reads and to which it writes.
        handed = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_to_read, theirs_to_write)]
        flags = [*_FLAGS, f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *map(str, handed), str(CHROMIUM), *flags],
            pass_fds=handed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_to_read, theirs_to_write, *handed):
            os.close(end)
        self._session = ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        for _ in range(50):  # its children may still be writing
            shutil.rmtree(self._folder, ignore_errors=True)
            if not Path(self._folder).exists():
                break
            time.sleep(0.05)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the browser's protocol and return its answer."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        waited_for = self._count
        while True:
            answer = self._next()
            if answer.get("id") == waited_for:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("Chromium does not answer")
            try:
                self._rest += os.read(self._read, 1 << 20)
            except BlockingIOError:
                time.sleep(0.002)
        first, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(first)
        if "method" in message:
            self._note(message["method"], message["params"])
        return message

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith(("file:", "data:", "about:")):
                self.requests.append(url)
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(told["message"])
            self._count += 1
            answer = {"id": self._count, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            os.write(self._write, json.dumps({**answer, "sessionId": self._session}).encode() + b"\0")
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "warning"}:
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in told["args"]))

    def forget(self) -> None:
        """Forget what was noted."""
        self.requests.clear()
        self.dialogs.clear()
        self.complaints.clear()

    def open(self, path: Path, width: int = 900, height: int = 800, dark: bool = False, media: str = "") -> None:
        """Open a file in a window of ``width`` x ``height`` pixels and wait until its charts stand."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.evaluate(
            "delete document.documentElement.dataset.charts"
        )  # or the page before would be taken for this one
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && document.documentElement.dataset.charts === 'drawn'")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + _PATIENCE
        while not self._holds(condition):
            if time.monotonic() > end:
                raise RuntimeError(f"still not true: {condition}; {self.complaints}")
            time.sleep(0.05)

    def _holds(self, condition: str) -> bool:
        """Tell whether an expression is true in the page; not where one page has gone and the next has not come."""
        try:
            return bool(self.evaluate(f"Boolean({condition})"))
        except RuntimeError:
            return False

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def move(self, x: float, y: float) -> None:
        """Move the pointer."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        shared: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.send("Input.dispatchKeyEvent", type="keyUp", **shared)

    def screenshot(self, whole: bool = True) -> bytes:
        """Return the page as PNG."""
        clip: dict[str, Any] = {}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **clip)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Return the page as it prints, A4."""
        sheet = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(sheet["data"])


if __name__ == "__main__":  # a look at a page: browser.py PAGE WIDTH PICTURE [dark] [print]
    page, pixels, picture = sys.argv[1:4]
    with Browser() as browser:
        browser.open(Path(page), int(pixels), dark="dark" in sys.argv)
        Path(picture).write_bytes(browser.pdf() if "print" in sys.argv else browser.screenshot())
        print(browser.requests, browser.dialogs, browser.complaints)  # noqa: T201 - its answer
