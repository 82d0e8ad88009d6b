"""The menu is whole, set-up does nothing twice, and the tree names no registry's host."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def _tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@needs_make
def test_make_alone_prints_a_line_for_every_target() -> None:
    menu = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    listed = dict(re.findall(r"^  make ([a-z-]+) +(.+)$", menu, re.MULTILINE))
    assert set(listed) == TARGETS - {"setup-test"}
    assert {
        "run",
        "test",
        "setup",
        "lint",
        "types",
        "shots",
        "lock",
        "town",
        "status",
        "bench",
        "clean",
    } <= set(listed)


@needs_make
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_target_reads_as_a_recipe(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_target_is_phony() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony.group(1).split()) == TARGETS


@pytest.mark.parametrize(
    "script", [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"], ids=lambda p: p.name
)
def test_scripts_are_well_formed(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    if script.name != "python.sh":  # sourced by the others
        assert script.stat().st_mode & 0o111
        assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_no_host_of_a_package_registry_is_named() -> None:
    """Where packages come from is the machine's own choice: its pip, npm, apt and conda configuration."""
    hosts = [
        "pypi" + ".org",
        "python" + "hosted",
        "npm" + "js.",
        "anaconda" + ".",
        "deb" + ".debian",
        "archive" + ".ubuntu",
    ]
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in _tracked()
        for host in hosts
        if host.encode() in path.read_bytes()
    ]
    assert not named


def test_lock_files_pin_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def pins(name: str) -> set[str]:
        return set(
            re.findall(r"^([a-z0-9.-]+)==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        )

    def names(asked: list[str]) -> set[str]:
        return {re.split(r"[\[<>=]", one.lower())[0] for one in asked}

    assert names(project["dependencies"]) <= pins("requirements.lock")
    assert names(project["optional-dependencies"]["dev"]) <= pins("requirements-dev.lock")


def test_the_dev_lock_holds_all_of_the_other() -> None:
    """So that a .venv for tests also runs the program."""

    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9.-]+==\S+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_the_web_font_of_the_theme_is_one_that_set_up_brings() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    asked = {face["url"].rsplit("/", 1)[1] for face in config["theme"]["fontFaces"]}
    brought = {
        f"noto-sans-sc-{subset}-{weight}.woff2"
        for subset in ("chinese-simplified", "latin")
        for weight in (400, 700)
    }
    assert asked == brought
    assert not config["browser"]["gatherUsageStats"]
    assert not config["client"]["showErrorLinks"]
