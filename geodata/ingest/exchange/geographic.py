"""
The ground of a city for its province: divisions, unit cells, components, QR points, cameras and pipes with GB/T codes.

Each file is a FeatureCollection in CGCS2000 (EPSG:4490), degrees, longitude first. RFC 7946 knows WGS 84 only; the
member `crs` says what it is, as earlier GeoJSON did and GDAL reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyproj
import shapely
from jsonschema import Draft202012Validator
from shapely.errors import ShapelyError

from analysis.codes import explain_camera_code, explain_cell_code, explain_component_code
from analysis.codes.places import explain_county
from analysis.errors import HuiyanError, InputError
from geodata.ingest.exchange.manifest import fits
from geodata.ingest.schema_faults import MOST_FAULTS, PackageFault, short

__all__ = ["COLLECTION", "CRS_MEMBER", "LAYERS", "SCHEMA", "Ground", "GroundLayer", "ground_faults"]

CRS_MEMBER = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
AREA_TOLERANCE = 0.02
"""An area in m² may differ so much from that of its outline: projections stretch."""
AROUND_DEG = 0.05
"""What lies so far outside all divisions of its package is not of this city."""
CODE_LENGTHS = {"county": 6, "street": 9, "community": 12}
Schema = dict[str, Any]


def _text(pattern: str | None = None, about: str = "") -> Schema:
    found: Schema = {"type": "string"}
    if pattern:
        found["pattern"] = pattern
    return found | ({"description": about} if about else {})


def _positive(most: int) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": most}


def _maybe(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


PROFILE: Schema = {"enum": ["2013", "revision"], "description": "edition of GB/T 30428"}
SIMULATED: Schema = {"type": "boolean", "description": "nobody measured it"}
NAME = _maybe(_text())


@dataclass(frozen=True)
class GroundLayer:
    """
    One file of a package.

    Attributes
    ----------
    properties
        Field → JSON Schema; all must be there.
    shapes
        Types of geometry.
    needed
        The file must be there.
    """

    properties: Mapping[str, Schema]
    shapes: tuple[str, ...]
    needed: bool = False
    validator: Draft202012Validator = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "validator", Draft202012Validator(self.feature()))

    def feature(self) -> Schema:
        """JSON Schema of a feature."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "geometry", "properties"],
            "properties": {
                "type": {"const": "Feature"},
                "geometry": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["type", "coordinates"],
                    "properties": {"type": {"enum": list(self.shapes)}, "coordinates": {"type": "array"}},
                },
                "properties": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": list(self.properties),
                    "properties": dict(self.properties),
                },
            },
        }


LAYERS: dict[str, GroundLayer] = {
    "areas": GroundLayer(
        {
            "kind": {"enum": list(CODE_LENGTHS)},
            "code": _text("^[0-9]{6}([0-9]{3}){0,2}$", "GB/T 2260 and its extension"),
            "name_zh": _text(),
            "name_en": _text(),
            "parent_code": _maybe(_text("^[0-9]{6}([0-9]{3})?$", "of the division above")),
            "simulated": SIMULATED,
        },
        ("Polygon", "MultiPolygon"),
        needed=True,
    ),
    "unit_cells": GroundLayer(
        {
            "code": _text(None, "15 digits of GB/T 30428.1"),
            "code_profile": PROFILE,
            "area_code": _text("^[0-9]{12}$", "of its community"),
            "area_m2": _positive(10_000_000_000),
            "simulated": SIMULATED,
        },
        ("Polygon", "MultiPolygon"),
        needed=True,
    ),
    "components": GroundLayer(
        {
            "code": _text(None, "16 digits of GB/T 30428.2; 18 of a monitoring component of the revision"),
            "code_profile": PROFILE,
            "class_code": _text("^[0-9]{2}-[0-9]{2,3}$", "major and minor class"),
            "state": {"enum": ["intact", "damaged", "lost", "abandoned"]},
            "simulated": SIMULATED,
        },
        ("Point",),
    ),
    "address_points": GroundLayer(
        {
            "code": _text("^.{1,64}$", "on the sign"),
            "name": NAME,
            "cell_code": _maybe(_text(None, "unit cell")),
            "simulated": SIMULATED,
        },
        ("Point",),
    ),
    "cameras": GroundLayer(
        {
            "code": _text(None, "20 digits of GB/T 28181"),
            "name": _text(),
            "kind": {"enum": ["fixed", "dome", "ptz", "panorama"]},
            "tier": {"enum": ["high", "street", "vehicle"]},
            "state": {"enum": ["online", "offline", "maintenance"]},
            "owner": _text(),
            "simulated": SIMULATED,
        },
        ("Point",),
    ),
    "pipes": GroundLayer(
        {
            "kind": {"enum": ["water", "drain", "gas", "heat", "power", "telecom", "unknown"]},
            "diameter_mm": _maybe(_positive(100_000)),
            "location": NAME,
            "length_m": {"type": "number", "minimum": 0, "maximum": 1_000_000},
            "simulated": SIMULATED,
        },
        ("LineString", "MultiLineString"),
    ),
}
"""File without its suffix → what it holds. The fields are those that may leave the house."""

COLLECTION: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "name", "crs", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "name": {"enum": list(LAYERS)},
        "crs": {"const": CRS_MEMBER},
        "features": {"type": "array"},
    },
}
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:huiyan:exchange:geographic:1",
    "title": "Files of a geographic package: FeatureCollections, and the features of each",
    **COLLECTION,
    "$defs": {name: layer.feature() for name, layer in LAYERS.items()},
}
_COLLECTION = Draft202012Validator(COLLECTION)
_GEOD = pyproj.Geod(ellps="GRS80")


@dataclass
class Ground:
    """What the files of one package have told so far: codes, and the box of its divisions in degrees."""

    county: str
    areas: dict[str, str] = field(default_factory=dict)
    cells: set[str] = field(default_factory=set)
    box: tuple[float, float, float, float] | None = None


def ground_faults(name: str, collection: Any, ground: Ground) -> tuple[int | None, list[PackageFault]]:
    """
    How many features a file has, and all that is wrong with it.

    Parameters
    ----------
    name
        Of `LAYERS`; areas are to come first, then unit cells.
    collection
        Plain values.
    ground
        What files before it told; what this one tells is added.
    """
    file = f"{name}.geojson"
    found = fits(_COLLECTION, collection, file, None, "geographic")
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        return None, found
    if not found and collection["name"] != name:
        other = InputError(
            "This file holds {name}.", "Name the file after what it holds.", name=collection["name"]
        )
        found.append(PackageFault(file, None, "name", collection["name"], other))
    first: dict[str, int] = {}
    if name == "areas":
        ground.areas = {
            str(each["properties"].get("code")): str(each["properties"].get("kind"))
            for each in features
            if isinstance(each, dict) and isinstance(each.get("properties"), dict)
        }
    for row, feature in enumerate(features, start=1):
        if len(found) >= MOST_FAULTS:
            break
        wrong = fits(LAYERS[name].validator, feature, file, row, "geographic")
        found += wrong
        if wrong:
            continue
        told = feature["properties"]
        for where, value, why in _meaning(name, told, feature["geometry"], ground):
            found.append(PackageFault(file, row, where, short(value), why))
        code = told.get("code")
        if code is not None and first.setdefault(code, row) != row:
            again = InputError("Row {first} has this code too.", "Send each row once.", first=first[code])
            found.append(PackageFault(file, row, "code", short(code), again))
    if name == "unit_cells":
        ground.cells = set(first)
    return len(features), found


Wrong = tuple[str, Any, HuiyanError]


def _meaning(
    name: str, told: Mapping[str, Any], geometry: Mapping[str, Any], ground: Ground
) -> Iterator[Wrong]:
    """What the schema cannot tell: field, value, reason."""
    code = told.get("code")
    problems = _CODES[name](told) if name in _CODES else []
    for problem in problems:
        yield "code", code, problem
    if not problems and name in ("areas", "unit_cells", "components") and code[:6] != ground.county:
        yield (
            "code",
            code,
            InputError("This is not of county {county}.", "Send one county a package.", county=ground.county),
        )
    if name == "areas":
        yield from _area_faults(told, ground)
    elif name == "unit_cells":
        yield from _cell_faults(told, ground)
    elif name == "components" and told["code_profile"] == "2013":
        if told["class_code"] != f"{code[6:8]}-{code[8:10]}":
            unlike = InputError(
                "The class is not that of the code.", "Digits 7-10 of the code are the class."
            )
            yield "class_code", told["class_code"], unlike
    elif name == "address_points" and told["cell_code"] is not None and told["cell_code"] not in ground.cells:
        lost = InputError("There is no such cell in this package.", "Send its cell too, or null.")
        yield "cell_code", told["cell_code"], lost
    yield from _shape_faults(name, told, geometry, ground)


_CODES: dict[str, Callable[[Mapping[str, Any]], list[Any]]] = {
    "areas": lambda told: [each for each in [explain_county(told["code"])] if each is not None],
    "unit_cells": lambda told: list(explain_cell_code(told["code"])),
    "components": lambda told: list(explain_component_code(told["code"], profile=told["code_profile"])),
    "cameras": lambda told: list(explain_camera_code(told["code"])),
}


def _area_faults(told: Mapping[str, Any], ground: Ground) -> Iterator[Wrong]:
    code, kind, parent = told["code"], told["kind"], told["parent_code"]
    if len(code) != CODE_LENGTHS[kind]:
        digits = InputError(
            "A {kind} has {digits} digits.", "Correct kind or code.", kind=kind, digits=CODE_LENGTHS[kind]
        )
        yield "code", code, digits
        return
    above = None if kind == "county" else code[:-3]
    if parent != above:
        wrong = InputError(
            "The division above {code} is {above}.",
            "Its code begins with that of the one above.",
            code=code,
            above=above,
        )
        yield "parent_code", parent, wrong
    elif above is not None and above not in ground.areas:
        yield "parent_code", parent, InputError("There is no such division in this package.", "Send it too.")


def _cell_faults(told: Mapping[str, Any], ground: Ground) -> Iterator[Wrong]:
    area = told["area_code"]
    if told["code"][:12] != area:
        unlike = InputError("The cell's code does not begin with its community's.", "Correct one of the two.")
        yield "area_code", area, unlike
    if ground.areas.get(area) != "community":
        yield "area_code", area, InputError("There is no such division in this package.", "Send it too.")


def _shape_faults(
    name: str, told: Mapping[str, Any], geometry: Mapping[str, Any], ground: Ground
) -> Iterator[Wrong]:
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
        bounds = shape.bounds
    except (ShapelyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        broken = InputError("This is no geometry ({why}).", "Write it as GeoJSON.", why=short(str(error)))
        yield "geometry", geometry.get("coordinates"), broken
        return
    if shape.is_empty or not all(math.isfinite(each) for each in bounds):
        yield (
            "geometry",
            geometry["coordinates"],
            InputError("This geometry has no place.", "Leave the row out."),
        )
        return
    west, south, east, north = bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        degrees = InputError("Coordinates are no degrees.", "Send degrees in EPSG:4490, longitude first.")
        yield "geometry", geometry["coordinates"], degrees
        return
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        yield (
            "geometry",
            geometry["coordinates"],
            InputError("The outline is not valid ({why}).", "Mend it: rings may touch, not cross.", why=why),
        )
        return
    if name == "areas":
        box = ground.box or bounds
        ground.box = min(box[0], west), min(box[1], south), max(box[2], east), max(box[3], north)
    elif ground.box is not None and not _near(bounds, ground.box):
        outside = InputError(
            "This lies outside all divisions of the package.",
            "Check that longitude comes first, and the datum.",
        )
        yield "geometry", geometry["coordinates"], outside
        return
    if name == "unit_cells":
        area_m2 = abs(_GEOD.geometry_area_perimeter(shapely.orient_polygons(shape))[0])
        if abs(area_m2 - told["area_m2"]) > AREA_TOLERANCE * area_m2 + 1:
            size = InputError(
                "The outline has {area:.0f} m².", "Correct area_m2 or the outline.", area=area_m2
            )
            yield "area_m2", told["area_m2"], size


def _near(bounds: tuple[float, ...], box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = bounds
    return (
        west <= box[2] + AROUND_DEG
        and east >= box[0] - AROUND_DEG
        and south <= box[3] + AROUND_DEG
        and north >= box[1] - AROUND_DEG
    )
