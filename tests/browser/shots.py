"""`make shots`: every screen, in both languages, at a desk's and a phone's size."""

from __future__ import annotations

import sys
from pathlib import Path

from geodata.settings import settings
from tests.browser.chrome import browser
from tests.browser.serving import running_app

SCREENS = {
    "overview": "",
    "units": "?show=units",
    "cameras": "cameras",
    "review": "review",
    "parking": "parking",
    "hot_spots": "hot-spots",
    "video": "video",
    "calibration": "calibration",
    "scenes": "scenes",
    "scene": "scenes?scene=illegal_parking",
    "data": "data",
}
WITHOUT_MAP = {"data", "calibration", "scenes"}
LANGUAGES = {"en": "en-US", "zh-CN": "zh-CN"}
SIZES = ((1440, 900), (390, 844))


def main(folder: Path) -> None:
    """Writes shots/<screen>-<language>-<width>.png."""
    with running_app(settings()) as address:
        for language, accepted in LANGUAGES.items():
            for width, height in SIZES:
                with browser(width, height, accepted) as eyes:
                    for name, path in SCREENS.items():
                        eyes.open(f"{address}/{path}{'&' if '?' in path else '?'}lang={language}")
                        eyes.wait_settled()
                        if name not in WITHOUT_MAP:
                            eyes.wait_painted()
                        target = folder / f"{name}-{language}-{width}.png"
                        eyes.shoot(target)
                        print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("shots"))
