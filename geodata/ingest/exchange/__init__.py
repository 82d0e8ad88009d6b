"""
Packages between a city and its province: cases, ground and video, each a zip with a manifest; what is wrong with one.

`manifest` tells what every package says of itself, `geographic` and `video` what their rows must be, `checking` looks
at a whole file. The format of cases is that of `geodata.ingest.case_exchange`, a thousand to a file.
"""

from geodata.ingest.exchange.checking import Checked, check_exchange, schema_of
from geodata.ingest.exchange.manifest import FORMATS, MANIFEST, MANIFEST_SCHEMA

__all__ = ["FORMATS", "MANIFEST", "MANIFEST_SCHEMA", "Checked", "check_exchange", "schema_of"]
