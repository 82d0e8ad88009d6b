"""parking_demand."""

import streamlit as st

st.write("…")
