"""data_catalogue."""

import streamlit as st

st.write("…")
