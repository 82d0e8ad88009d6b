"""Addresses for machines and for the map: tiles, health, downloads. Mounted under `/api` by app.py."""
