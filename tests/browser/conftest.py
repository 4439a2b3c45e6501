"""A real browser for tests: Debian's Chromium without a window, driven through chromedriver, and axe-core in it.

Without Chromium the tests are skipped with one loud line; where `CI` is set they fail instead.
"""

import base64
import os
import shutil
from importlib.resources import files

import pytest
from django.conf import settings as django_settings
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
WIDE, NARROW = 1280, 390
MISSING = (
    "*** SKIPPED: Chromium or chromedriver is missing: no page was seen in a browser (apt-get install chromium-driver)"
)


class Browser:
    """What the tests ask of a browser, in their words."""

    def __init__(self, driver, address: str) -> None:
        self.driver = driver
        self.address = address

    def open(self, path: str) -> "Browser":
        """Open a page of the portal under test."""
        self.driver.get(self.address + path)
        return self

    def sign_in(self, user, client) -> "Browser":
        """Become somebody, by their session cookie."""
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        self.open("/about/")
        self.driver.add_cookie({"name": name, "value": client.cookies[name].value, "path": "/"})
        return self

    def look(self, *, width: int = WIDE, theme: str = "light", height: int = 900) -> "Browser":
        """Choose the width in CSS pixels and the theme of the system."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        return self

    def wait_for(self, selector: str) -> "Browser":
        """Wait until something is on the page."""
        WebDriverWait(self.driver, 20).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector))
        return self

    def screenshot(self, path) -> None:
        """Save the whole page as an image, however long it is."""
        script = "return [document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        width, height = self.driver.execute_script(script)
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1}
        options = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(shot["data"]))

    def scrolls_sideways(self) -> bool:
        """Say whether the page is wider than the window."""
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def complaints(self) -> list[str]:
        """Read what the browser complained of: scripts that failed, files missing, policies broken."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def run_axe(driver) -> list[str]:
    """Look for breaches of WCAG 2.2 A and AA and of good practice; returns one line for each."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text()
    driver.execute_script(source)
    answer = driver.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        axe.run(document, {runOnly: {type: "tag", values: tags}}).then(done, (error) => done({error: String(error)}));
        """
    )
    assert "error" not in answer, answer["error"]
    return [
        f"{violation['id']}: {node['target']}: {node['failureSummary']}"
        for violation in answer["violations"]
        for node in violation["nodes"]
    ]


@pytest.fixture(scope="session")
def driver(live_server):
    """One browser for all tests; it ends before the server, so that no connection is left open."""
    if not (CHROMIUM and CHROMEDRIVER):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-proxy-server",
        "--hide-scrollbars",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver, live_server):
    """A browser that nobody is signed in with, wide and light."""
    driver.delete_all_cookies()
    seen = Browser(driver, live_server.url)
    seen.open("/about/")
    driver.execute_script("localStorage.clear()")
    driver.delete_all_cookies()
    driver.get_log("browser")
    return seen.look()
