"""The report in a real browser: plots are drawn, a click shows a failure's page with its gold and found boxes."""

from __future__ import annotations

from collections.abc import Iterator

import evaluations
import numpy as np
import pytest
from browser import Browser, chromium
from PIL import Image

from ragsys.evaluation import report

Colour = tuple[int, int, int]
PAPER: dict[bool, Colour] = {False: (255, 255, 255), True: (30, 33, 37)}  # of the cards, light and dark
GOLD, FOUND = (11, 122, 59), (11, 98, 164)  # the edges of the boxes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    scored = evaluations.scored(24, notes=("laptop: 2 of 24 questions ended with an error",))
    return report.write(scored, tmp_path_factory.mktemp("run & more"), evaluations.picture)[1].as_uri()


def near(image: Image.Image, colour: Colour, far: int = 24) -> int:
    """How many pixels have about that colour."""
    pixels = np.asarray(image, np.int16)  # (height, width, 3)
    return int(np.count_nonzero(np.abs(pixels - np.asarray(colour)).max(axis=2) <= far))


@pytest.mark.parametrize("dark", [False, True])
def test_every_plot_is_drawn(browser: Browser, address: str, dark: bool) -> None:
    browser.open(address, dark=dark)
    plots = browser.run("[...document.querySelectorAll('svg.plot')].map(one => one.id)")
    assert {"plot-recall", "plot-seconds", "plot-tokens", "plot-risk", "plot-source-page-recall-5"} <= set(plots)
    for plot in plots:
        image = browser.picture(f"#{plot}")
        drawn = image.width * image.height - near(image, PAPER[dark], 8)
        assert drawn > 1500, plot
    picture = browser.picture("#plot-recall")
    blue = (111, 177, 240) if dark else (11, 98, 164)
    assert near(picture, blue) > 200  # the first configuration's line


def test_a_click_shows_the_page_with_gold_and_found_boxes(browser: Browser, address: str) -> None:
    browser.open(address)
    assert browser.run("document.querySelectorAll('.card[open]').length") == 0
    browser.click("#q4 > summary")
    assert browser.run("document.querySelector('#q4').open") is True
    browser.run("Promise.all([...document.querySelectorAll('#q4 img')].map(one => one.decode()))")
    assert browser.run("document.querySelector('#q4 img').naturalWidth") > 300
    sheet = browser.picture("#q4 .sheet")
    assert near(sheet, GOLD) > 200
    assert near(sheet, FOUND) > 100
    assert near(sheet, (120, 120, 120)) > 1000  # the page itself
    box = browser.run(
        "(() => { const s = document.querySelector('#q4 .sheet').getBoundingClientRect(),"
        " r = document.querySelector('#q4 .sheet rect.gold').getBoundingClientRect();"
        " return [(r.x - s.x) / s.width, (r.y - s.y) / s.height, r.width / s.width, r.height / s.height]; })()"
    )
    assert box == pytest.approx([0.1, 0.3, 0.8, 0.15], abs=0.02)


def test_an_address_opens_its_failure(browser: Browser, address: str) -> None:
    browser.open(address + "#q7")
    assert browser.run("[...document.querySelectorAll('.card[open]')].map(one => one.id)") == ["q7"]
    browser.run("location.hash = '#q10'")
    browser.run("new Promise(done => setTimeout(done, 100))")
    assert browser.run("document.querySelector('#q10').open") is True
    assert browser.run("document.querySelector('#q10').getBoundingClientRect().top") < 900


def test_filters_show_what_they_name(browser: Browser, address: str) -> None:
    browser.open(address)
    every = browser.run("document.querySelectorAll('.card').length")

    def left(name: str, value: str) -> list[str]:
        browser.run(
            f"(() => {{ const e = document.getElementById('by-{name}'); e.value = {value!r};"
            " e.dispatchEvent(new Event('change')); e.dispatchEvent(new Event('input')); })()"
        )
        shown: list[str] = browser.run("[...document.querySelectorAll('.card:not([hidden])')].map(one => one.id)")
        assert browser.run("document.getElementById('shown').textContent") == f"{len(shown)} of {every} shown"
        return shown

    assert left("kind", "error") == ["q1", "q10"]
    assert left("config", "1") == []  # only the first configuration had errors
    assert left("config", "0") == ["q1", "q10"]
    assert left("source", "1") == []  # both are of the first source
    left("source", "")
    left("config", "")
    assert len(left("kind", "")) == every
    assert left("words", "TABLE 13 deliveries") == ["q14"]


def test_keys_alone_open_a_failure(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('#q3 > summary').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.run("document.querySelector('#q3').open") is True


def test_the_page_fits_a_narrow_screen_and_asks_for_nothing(browser: Browser, address: str) -> None:
    browser.problems.clear()
    browser.requests.clear()
    browser.open(address + "#q4", width=360)
    assert browser.run("document.documentElement.scrollWidth") <= 360
    outside = [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))]
    assert outside == []
    assert browser.requests
    assert browser.problems == []


def test_its_policy_stops_what_is_slipped_in(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.slipped = 1';"
        " document.body.append(s); })()"
    )
    assert browser.run("typeof window.slipped") == "undefined"
