"""Looks and words: the layer catalogue, forms, colours, legends and both languages."""
