"""The entrance, one origin for screens, tiles and machines: `uvicorn app:app` or `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from pages.endpoints.routes import Door

door = Door()
app = st.App(Path(__file__).parent / "pages" / "shell.py", lifespan=door.lifespan, routes=door.routes())
