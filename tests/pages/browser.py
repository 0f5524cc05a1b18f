"""The buyer's page in a real browser: headless Chromium, a screen's size, a picture, and what axe finds.

Chromium takes a picture of a page, or prints it as it stands after its scripts ran; nothing more is needed to
have axe-core look. Weak point: for axe a page is served without its security policy, which lets no other
script in.
"""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "build" / "axe.min.js"  # `make axe` fetches it
SEEN: Final = ROOT / "build" / "look"
_SECONDS = 60
_MARK = "axe-found"
# What WCAG 2.2 demands at its levels A and AA, and what axe holds for good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LOOK = f"""
<script>addEventListener("load", async () => {{
  const found = await axe.run(document, {{ runOnly: {json.dumps(_RULES)} }});
  const told = document.createElement("pre");
  told.id = "{_MARK}";
  told.textContent = JSON.stringify({{ passes: found.passes.length,
    wide: document.documentElement.scrollWidth,
    violations: found.violations.map(each => [each.id, each.nodes.map(node => node.html)]) }});
  document.body.append(told);
}});</script>"""


type Page = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Screen:
    """How large a page is seen, in CSS pixels."""

    name: str
    width: int
    height: int


PHONE, DESK = Screen("phone", 390, 844), Screen("desk", 1280, 800)


def missing() -> str | None:
    """What is not there to look with; None if all is."""
    if shutil.which("chromium") is None:
        return "there is no chromium on this machine"
    return None if AXE.exists() else "`make axe` has not fetched axe-core"


@dataclass(slots=True)
class Served:
    """What there is to be asked for.

    Attributes
    ----------
    pages
        By path: HTML, and the headers it comes with; 304 to who has that `ETag`.
    anew
        What takes the place of a page as soon as it was asked for.
    asked
        The paths asked for, in order.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    anew: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class Browser:
    """Opens pages."""

    def __init__(self, url: str, served: Served, profile: Path) -> None:
        self.url, self._served, self._profile = url, served, profile

    def visits(self, name: str, html: str, headers: dict[str, str], anew: str, tag: str) -> list[str]:
        """What a page asks for while it is open for five seconds, itself first.

        Its state has this tag; a second time the page is served as `anew`.
        """
        self._served.pages |= {f"/{name}": (html, headers), f"/{name}/state": ("{}", {"ETag": tag})}
        self._served.anew[f"/{name}"] = anew, headers
        self._served.asked.clear()
        self._run(PHONE, name, "--dump-dom", dark=False)
        return [path.removeprefix(f"/{name}") for path in self._served.asked if path.startswith(f"/{name}")]

    def picture(self, name: str, html: str, headers: dict[str, str], screen: Screen, *, dark: bool) -> Path:
        """Take a picture of a whole page, served as it is."""
        path = SEEN / f"{name}-{screen.name}{'-dark' if dark else ''}.png"
        self._served.pages[f"/{name}"] = html, headers
        self._run(screen, name, f"--screenshot={path}", dark=dark)
        return path

    def findings(self, name: str, html: str, screen: Screen, *, dark: bool) -> dict[str, Any]:
        """What axe has to say against a page, how many rules it passed, and how wide the page became."""
        script = AXE.read_text("utf-8")
        looked_at = html.replace("</body>", f"<script>{script}</script>{_LOOK}</body>")
        self._served.pages[f"/{name}"] = looked_at, {"Content-Type": "text/html; charset=utf-8"}
        printed = self._run(screen, name, "--dump-dom", dark=dark)
        told = re.search(rf'<pre id="{_MARK}">(.*?)</pre>', printed, re.DOTALL)
        assert told, printed[-500:]
        found: dict[str, Any] = json.loads(unescape(told[1]))
        return found

    def _run(self, screen: Screen, name: str, what: str, *, dark: bool) -> str:
        command = [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
            *(f"--user-data-dir={self._profile}", f"--window-size={screen.width},{screen.height}"),
            *("--virtual-time-budget=5000", *(["--force-dark-mode"] if dark else []), what),
            f"{self.url}/{name}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return done.stdout


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """Serve pages to a browser on this machine until the block ends."""
    served = Served()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            html, headers = served.pages.get(self.path, ("", {}))
            if self.path in served.anew:
                served.pages[self.path] = served.anew.pop(self.path)
            same = headers.get("ETag") == self.headers.get("If-None-Match", "nothing")
            self.send_response(304 if same else 200 if html else 404)
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(b"" if same else html.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    SEEN.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Browser(f"http://127.0.0.1:{server.server_port}", served, profile)
    finally:
        server.shutdown()
        server.server_close()
