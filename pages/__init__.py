"""Doors: screens for people, endpoints for machines, the command line."""
