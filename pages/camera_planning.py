"""camera_planning."""

import streamlit as st

st.write("…")
