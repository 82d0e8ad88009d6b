"""The font of printed pages: Noto Sans SC, embedded, so that a document reads the same everywhere."""

from __future__ import annotations

import threading

from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from geodata.errors import MissingAsset
from geodata.settings import settings

__all__ = ["BOLD", "REGULAR", "register_fonts"]

REGULAR = "NotoSansSC"
BOLD = "NotoSansSC-Bold"
FILES = {REGULAR: "NotoSansSC-Regular.ttf", BOLD: "NotoSansSC-Bold.ttf"}
_lock = threading.Lock()


def register_fonts() -> None:
    """
    Makes the font known to the printer; once a process.

    Raises
    ------
    MissingAsset
        If set-up has not brought it, or the file is damaged.
    """
    with _lock:
        if {REGULAR, BOLD} <= set(pdfmetrics.getRegisteredFontNames()):
            return
        for name, file in FILES.items():
            path = settings().assets_dir / file
            try:
                pdfmetrics.registerFont(TTFont(name, str(path)))
            except (TTFError, OSError) as error:
                raise MissingAsset(
                    "The font for printed pages, {path}, is not there or cannot be read.",
                    "Run make setup, then try again.",
                    path=path,
                ) from error
        for bold, italic in ((0, 0), (0, 1), (1, 0), (1, 1)):
            addMapping(REGULAR, bold, italic, BOLD if bold else REGULAR)
