"""The app with a memory of no tiles, to measure how fast they are made."""

import streamlit as st

from geodata.queries.serving import TileStore
from geodata.settings import ROOT, settings
from pages.endpoints.routes import Door

door = Door()
door.tiles = TileStore(None, max_bytes=settings().tile_max_bytes, remember=False)
app = st.App(ROOT / "pages" / "shell.py", lifespan=door.lifespan, routes=door.routes())
