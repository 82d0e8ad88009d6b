"""Errors of stored things: what is wrong and how to mend it. `pages` maps them to screens, HTTP and exit codes."""

from __future__ import annotations

from analysis.errors import HuiyanError

__all__ = [
    "ClusterError",
    "DatabaseUnavailable",
    "DetectorError",
    "IngestError",
    "MissingAsset",
    "NotFound",
    "SceneError",
    "SchemaTooNew",
    "SettingsError",
    "StreamError",
    "TwinError",
]


class TwinError(HuiyanError):
    """Base of everything that goes wrong below the screens and that a person can mend."""


class SettingsError(TwinError):
    """A `TWIN_*` setting has a value that cannot be used."""


class ClusterError(TwinError):
    """The private PostgreSQL cluster cannot be made, started or stopped."""


class DatabaseUnavailable(TwinError):
    """No connection to the database; the next request after it is back works."""


class SchemaTooNew(TwinError):
    """The database was migrated by a newer version of this program."""


class MissingAsset(TwinError):
    """A file that set-up installs (weights, clip, worker, font) is not there."""


class StreamError(TwinError):
    """A video stream or clip cannot be opened or decoded."""


class DetectorError(TwinError):
    """A model file cannot be used as a detector."""


class IngestError(TwinError):
    """Data cannot be taken in; nothing was written."""


class SceneError(TwinError):
    """The file of a scene says something that will not do; the message names file, line and key."""


class NotFound(TwinError):
    """There is no such layer, camera, town or row."""
