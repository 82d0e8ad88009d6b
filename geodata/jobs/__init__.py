"""The queue and what workers do from it."""
