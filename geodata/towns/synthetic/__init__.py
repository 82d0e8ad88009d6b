"""
A town made up from a seed inside a real boundary, at the scale of a real one.

Nothing collides by construction: streets are the sides of a bent lattice's blocks (`lattice`, `edges`), so they hang
together; buildings stand on what the streets leave of each block (`lots`, `footprints`); communities are sets
of blocks (`grounds`), so their borders run along streets and they fill the boundary. Lamps stand beside the streets
(`places`), cameras hang on lamps and walls (`sites`, `poses`).

Every function is pure: plan, frames and a `numpy.random.Generator` in, frames out. The caller marks the rows as
simulated.
"""

from geodata.towns.synthetic.making import synthetic_city

__all__ = ["synthetic_city"]
