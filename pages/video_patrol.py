"""video_patrol."""

import streamlit as st

st.write("…")
