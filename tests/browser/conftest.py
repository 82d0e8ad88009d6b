"""
What tests in a browser look at.

`address`
    The screens over the shared town, in a process of their own; the same for all tests.
`open_browser`
    `chrome.browser`, if there is a Chromium; where there is none, tests are skipped, but not in CI.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.browser.chrome import Browser, browser, find_chromium
from tests.browser.serving import web_process


@pytest.fixture(scope="session")
def open_browser() -> Callable[..., AbstractContextManager[Browser]]:
    """Opens a browser of a size and language."""
    if find_chromium() is None:
        reason = "there is no Chromium with its driver; make test installs them"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return browser


@pytest.fixture(scope="session")
def address(open_browser: object, town_url: str) -> Iterator[str]:
    """Where the screens of the shared town are."""
    with web_process(town_url) as found:
        yield found
