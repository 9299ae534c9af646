"""Takes the pictures of the maintenance page in docs/pictures: make pictures.

A headless Chromium shows the page as a phone and as a desktop, in light and in dark. Each time the script checks that
the page has the color scheme, fits, is readable (WCAG 2.1, contrast 4.5 to 1) and loads nothing else.

    scripts/python tests/pictures/take.py                      all four, into docs/pictures
    scripts/python tests/pictures/take.py --page own.html --into /tmp
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = shutil.which("ansible-playbook", path=f"{ROOT}/.venv/bin:{os.environ['PATH']}")

# Name, width, height, pixels per point.
SCREENS = (("phone", 390, 844, 2), ("desktop", 1280, 800, 1))
LARGEST = 60_000

LOOK = """(() => {
  const light = color => {
    const parts = color.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255);
    const [r, g, b] = parts.map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    const color = element ? getComputedStyle(element).backgroundColor : 'rgb(255, 255, 255)';
    return /, 0\\)$/.test(color) ? ground(element.parentElement) : color;
  };
  const contrast = element => {
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const texts = [...document.querySelectorAll('h1, p, dt, dd, a')];
  return {
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
    ground: getComputedStyle(document.body).backgroundColor,
    width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    contrast: Math.min(...texts.map(contrast)),
    texts: texts.length,
    headings: document.querySelectorAll('h1').length,
    language: document.documentElement.lang,
    loaded: performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith('data:')),
  };
})()"""


class Browser:
    """A headless Chromium, spoken to through a pipe (Chrome DevTools Protocol, a zero byte ends each message)."""

    def __init__(self, program: str, folder: str) -> None:
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()

        def as_three_and_four() -> None:
            # The protocol's numbers; copies first, because these may be the pipes' own.
            one, two = os.dup(to_browser), os.dup(from_browser)
            os.dup2(one, 3)
            os.dup2(two, 4)

        command = [program, "--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars"]
        command += ["--no-first-run", f"--user-data-dir={folder}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        self.process = subprocess.Popen(
            [*command, "about:blank"],
            close_fds=False,
            preexec_fn=as_three_and_four,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.rest = b""
        self.session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")

    def ask(self, method: str, **parameters: object) -> dict:
        """Send a command and return its result. Ends the program when the browser refuses."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def next(self) -> dict:
        """Return the next message."""
        while b"\0" not in self.rest:
            part = os.read(self.read, 1 << 20)
            if not part:
                raise SystemExit("Chromium ended.")
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def show(self, page: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.ask("Page.navigate", url=page.as_uri())
        while self.next().get("method") != "Page.loadEventFired":
            pass

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait(timeout=20)


def problems_of(page: dict, dark: bool, width: int) -> list[str]:
    """The problems of the page as the browser shows it."""
    problems = []
    if page["dark"] != dark:
        problems.append(f"the browser shows it in {'light' if dark else 'dark'}")
    if page["width"] > width:
        problems.append(f"it is {page['width']} wide and the screen {width}")
    if page["contrast"] < 4.5:
        problems.append(f"a text has a contrast of only {page['contrast']:.1f}")
    if page["headings"] != 1 or not page["language"] or not page["texts"]:
        problems.append("it needs a language, texts and one heading")
    if page["loaded"]:
        problems.append(f"it loads {', '.join(page['loaded'])}")
    return problems


def take(browser: Browser, page: Path, into: Path) -> list[str]:
    """Take the four pictures and return the problems."""
    wrong = []
    for screen, width, height, scale in SCREENS:
        grounds = set()
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.ask("Emulation.setEmulatedMedia", features=features)
            metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": screen == "phone"}
            browser.ask("Emulation.setDeviceMetricsOverride", **metrics)
            browser.show(page)
            seen = browser.ask("Runtime.evaluate", expression=LOOK, returnByValue=True)["result"]["value"]
            picture = into / f"maintenance-{screen}-{scheme}.png"
            data = browser.ask("Page.captureScreenshot", format="png")["data"]
            picture.write_bytes(base64.b64decode(data))
            subprocess.run(["optipng", "-quiet", "-o5", "-strip", "all", str(picture)], check=True)
            size = picture.stat().st_size
            grounds.add(seen["ground"])
            found = problems_of(seen, scheme == "dark", width)
            found += [f"the picture has {size} bytes, {LARGEST} are allowed"] if size > LARGEST else []
            wrong += [f"{screen}, {scheme}: {problem}" for problem in found]
            print(
                f"{picture.name}: {size} bytes, ground {seen['ground']}, lowest contrast {seen['contrast']:.1f}, "
                f"{seen['height']} of {height} points high"
            )
        if len(grounds) != 2:
            wrong.append(f"{screen}: light and dark look the same")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, help="an HTML file; without it, the role's own page")
    parser.add_argument("--into", type=Path, default=ROOT / "docs/pictures")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program or not shutil.which("optipng"):
        raise SystemExit("Chromium or optipng is missing: apt-get install --no-install-recommends chromium optipng")
    with tempfile.TemporaryDirectory() as folder:
        page = options.page
        if not page:
            page = Path(folder) / "page.html"
            if not PLAYBOOK:
                raise SystemExit("ansible-playbook is missing. Run make bootstrap.")
            command = [PLAYBOOK, "tests/pictures/page.yml", "-e", f"file={page}"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                raise SystemExit(f"The page was not rendered:\n{done.stdout}{done.stderr}")
        browser = Browser(program, f"{folder}/profile")
        try:
            wrong = take(browser, page.resolve(), options.into)
        finally:
            browser.close()
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
