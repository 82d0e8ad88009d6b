"""What axe-core finds on a page: whether everybody can read and use it."""

from __future__ import annotations

from pathlib import Path

from geodata.settings import ROOT
from tests.browser.chrome import Browser

__all__ = ["AXE", "grave_faults"]

AXE: Path = ROOT / ".setup" / "axe" / "axe.min.js"
"""Brought by set-up for the tests (scripts/assets.py)."""
GRAVE = ("serious", "critical")
ALSO = ("heading-order",)
"""Rules of less weight that are kept too."""
STREAMLITS: dict[tuple[str, str], str] = {}
"""(rule, part of the selector) → why a fault of Streamlit's own cannot be mended here. Keep it empty."""
ASK = """
const done = arguments[0];
axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations.flatMap(
  rule => rule.nodes.map(node => [rule.id, rule.impact, node.target.join(' '), node.html.slice(0, 160),
    ((node.any[0] || node.all[0] || node.none[0]) || {}).message || '']))));
"""


def grave_faults(eyes: Browser) -> list[str]:
    """Faults that axe-core calls serious or critical, and those of `ALSO`, with their element; without `STREAMLITS`."""
    eyes.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = eyes.driver.execute_async_script(ASK)
    return [
        f"{rule} ({impact}): {html} {message}"
        for rule, impact, target, html, message in found
        if (impact in GRAVE or rule in ALSO)
        and not any(rule == known and part in target for known, part in STREAMLITS)
    ]
