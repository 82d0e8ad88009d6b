"""The frame around every screen."""
import streamlit as st
st.write("shell")
