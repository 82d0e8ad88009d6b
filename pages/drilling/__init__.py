"""The overview's way down: city, street office, community, unit cell, street; a tree and a map of the same units."""
