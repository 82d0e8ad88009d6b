"""Footage and models: opened here, thought about in `analysis.vision`."""
