"""What a package says of itself: format, county, revision, and each file with rows, bytes and SHA-256."""

from __future__ import annotations

from typing import Any, Literal, get_args

from jsonschema import Draft202012Validator

from analysis.codes.places import explain_county
from analysis.errors import InputError
from geodata.ingest.schema_faults import PackageFault, hidden_fault, schema_errors, schema_sentence, short

__all__ = ["FORMATS", "MANIFEST", "MANIFEST_SCHEMA", "SCHEMAS", "Format", "crs_of", "fits", "manifest_faults"]

Format = Literal["case", "geographic", "video"]
FORMATS: tuple[Format, ...] = get_args(Format)
MANIFEST = "manifest.json"
SCHEMAS: dict[Format, str] = {name: f"huiyan.exchange.{name}/1" for name in FORMATS}
"""Format → how its manifest names it."""
MOST_FILES = 20_000
SEE = "See huiyan exchange schema {name}."

MANIFEST_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:huiyan:exchange:manifest:1",
    "title": "Manifest of a package",
    "type": "object",
    "additionalProperties": False,
    "required": [
        "schema",
        "county_code",
        "code_profile",
        "crs",
        "revision",
        "simulated",
        "licence",
        "attribution",
        "files",
    ],
    "properties": {
        "schema": {"enum": list(SCHEMAS.values())},
        "county_code": {"type": "string", "pattern": "^[0-9]{6}$", "description": "GB/T 2260"},
        "code_profile": {"enum": ["2013", "revision"], "description": "edition of GB/T 30428"},
        "crs": {
            "enum": ["EPSG:4490", "EPSG:4326"],
            "description": "degrees, longitude first: EPSG:4490 (CGCS2000); cases: EPSG:4326",
        },
        "revision": {"type": "integer", "minimum": 0, "description": "of the data; grows with every change"},
        "simulated": {"type": "boolean", "description": "some of it nobody measured; rows say which"},
        "licence": {"type": "string"},
        "attribution": {"type": "string"},
        "blurred": {
            "type": "array",
            "items": {"enum": ["heads", "plates"]},
            "description": "what is blurred on every still",
        },
        "files": {
            "type": "array",
            "maxItems": MOST_FILES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "bytes", "sha256"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[a-z0-9_]+(/[a-z0-9_]+)?[.](json|geojson|jpg)$"},
                    "rows": {"type": "integer", "minimum": 0},
                    "bytes": {"type": "integer", "minimum": 0},
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        },
    },
}
_VALIDATOR = Draft202012Validator(MANIFEST_SCHEMA)


def manifest_faults(manifest: Any) -> list[PackageFault]:
    """All that is wrong with a manifest, of itself; whether its files are as it says is told by the checker."""
    found = list(fits(_VALIDATOR, manifest, MANIFEST, None, "manifest"))
    county = manifest.get("county_code") if isinstance(manifest, dict) else None
    if not found and isinstance(county, str) and (problem := explain_county(county)) is not None:
        found.append(PackageFault(MANIFEST, None, "county_code", county, problem))
    if not found and manifest["crs"] != crs_of(manifest["schema"]):
        other = InputError(
            "This package is in {crs}.",
            "Convert it to {wanted}.",
            crs=manifest["crs"],
            wanted=crs_of(manifest["schema"]),
        )
        found.append(PackageFault(MANIFEST, None, "crs", manifest["crs"], other))
    return found


def crs_of(schema: str) -> str:
    """The reference system in which a package's places are told."""
    return "EPSG:4326" if schema == SCHEMAS["case"] else "EPSG:4490"


def fits(
    validator: Draft202012Validator, value: Any, file: str, row: int | None, name: str
) -> list[PackageFault]:
    """
    What a schema finds wrong with a row, and characters that nobody sees.

    Parameters
    ----------
    validator
        Of the row.
    value
        The row.
    file, row
        Where it stands.
    name
        Of the schema, as `huiyan exchange schema` takes it.
    """
    found = []
    for error in schema_errors(validator, value):
        why = schema_sentence(error, SEE, name=name)
        found.append(
            PackageFault(file, row, ".".join(map(str, error.absolute_path)), short(error.instance), why)
        )
    fields = value.get("properties", value) if isinstance(value, dict) else {}
    for field, text in fields.items() if isinstance(fields, dict) else ():
        if isinstance(text, str) and not text.isprintable():
            found.append(PackageFault(file, row, short(field), short(text), hidden_fault()))
    return found
