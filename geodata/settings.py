"""The one door to the environment: every setting is a `TWIN_*` variable (or a line in `.env`)."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from geodata.errors import SettingsError

__all__ = ["ROOT", "Settings", "settings", "terminal_locale"]

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""


class Settings(BaseSettings):
    """What a deployment may choose. Each field is read from `TWIN_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="TWIN_", env_file=ROOT / ".env", extra="ignore")

    host: str = "127.0.0.1"
    """Address the web process listens on."""
    port: int = Field(default=8501, ge=1, le=65535)
    """Port of the one origin that serves screens, tiles and APIs."""
    database_url: str | None = None
    """A real PostgreSQL server, `postgresql://user@host/name`; without it the private cluster is used."""
    data_dir: Path = ROOT / ".data"
    """Private cluster, assets, weights and clips live here."""
    town: str = "helsinki"
    """The town that `load` puts into an empty database."""
    detector_model: Path | None = None
    """An ONNX file in YOLOX or NanoDet layout in place of the yolov3-tiny that set-up converts."""
    samples_per_s: float = Field(default=2.0, gt=0)
    """Budget of the video patrol: samples a second that all video workers together may take."""
    video_threads: int = Field(default=4, ge=1, le=64)
    """Cameras that one video worker asks for a picture at the same time; the detector itself runs in one thread."""
    detector_thresholds: Path | None = None
    """A TOML file of least scores by model and class."""
    detector_tiles: bool = False
    """Look at 2×2 overlapping tiles of each frame too: finds smaller things, takes five times as long."""
    detector_mirrored: bool = False
    """Look at each mirrored frame too: places of people are more exact, takes twice as long."""
    sample_every_s: float = Field(default=10.0, gt=0)
    """`huiyan patrol` looks at one frame in this many seconds of footage."""
    tile_max_bytes: int = Field(default=500_000, ge=10_000)
    """A tile larger than this is thinned to the next coarser form."""
    load_max_mb: int = Field(default=4_000, ge=1)
    """A file above this is refused before it is read."""
    workers: int = Field(default=0, ge=0)
    """Processes that a city-wide run may use on this machine; 0 for one a core."""
    dask_scheduler: str | None = None
    """Address of a Dask scheduler, tcp://host:8786; city-wide runs then compute on its workers."""
    open_door: Literal["public", "tokens", "closed"] = "public"
    """Who may read OGC API and Open311: everybody, clients with a token, or nobody; writing always needs a token."""
    open_pipes: bool = False
    """Offer pipes at the open door too."""
    anonymous_per_minute: int = Field(default=300, ge=1)
    """Requests a minute at the open door from one address without a token."""
    cors_origins: str | None = None
    """Origins whose pages may ask the addresses under /api, with commas between them; none: no other page may."""
    wall_pages: str = "overview,cells,cameras,parking,pipes,video,evaluation"
    """Pages of the wall in the order in which they follow each other, separated by commas; some may be left out."""
    wall_dwell_s: float = Field(default=30.0, ge=1, le=3600)
    """Seconds that the wall stays on a page."""
    wall_refresh_s: float = Field(default=10.0, ge=0.5, le=600)
    """The wall asks for new figures in this many seconds."""
    wall_city: str | None = None
    """Name at the head of the wall; without it the town's own, in the wall's language."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    """How much the web process tells; INFO names every request."""

    @property
    def assets_dir(self) -> Path:
        """Browser assets (MVT worker, fonts), served under `/assets`."""
        return self.data_dir / "assets"

    @property
    def models_dir(self) -> Path:
        """Detector weights as ONNX."""
        return self.data_dir / "models"

    @property
    def clips_dir(self) -> Path:
        """Street footage."""
        return self.data_dir / "clips"


def terminal_locale() -> str | None:
    """The locale that the terminal asks for, such as zh_CN.UTF-8; it need not be installed."""
    return next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None
    )


@lru_cache
def settings() -> Settings:
    """
    The settings of this process.

    Raises
    ------
    SettingsError
        If a variable has an impossible value; the message names the variable.
    """
    try:
        found = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            "TWIN_{name} has an unusable value {value!r}: {why}.",
            "Correct the variable or unset it.",
            name="_".join(map(str, first["loc"])).upper(),
            value=first.get("input"),
            why=first["msg"],
        ) from error
    found.data_dir = found.data_dir.expanduser().resolve()
    return found
