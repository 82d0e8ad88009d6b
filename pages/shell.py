"""The frame around every screen: theme, language, navigation."""

from pathlib import Path

import streamlit as st

from layers.i18n import LANGUAGES, N_
from pages.session import language, set_language, words
from pages.widgets.lighting import choose_light

LOOKS = Path(__file__).parent.parent / "layers"

st.set_page_config(page_title="Huiyan 慧眼", page_icon=str(LOOKS / "mark.svg"), layout="wide")
st.html(f"<style>{(LOOKS / 'looks.css').read_text(encoding='utf-8')}</style>")

current = language()
screens = [
    st.Page("overview.py", title=words(N_("Overview")), icon=":material/map:", default=True),
    st.Page("camera_planning.py", title=words(N_("Cameras")), icon=":material/videocam:", url_path="cameras"),
    st.Page(
        "building_review.py",
        title=words(N_("Building review")),
        icon=":material/fact_check:",
        url_path="review",
    ),
    st.Page(
        "parking_demand.py",
        title=words(N_("Parking")),
        icon=":material/local_parking:",
        url_path="parking",
    ),
    st.Page(
        "hot_spots.py",
        title=words(N_("Hot spots")),
        icon=":material/local_fire_department:",
        url_path="hot-spots",
    ),
    st.Page("video_patrol.py", title=words(N_("Video")), icon=":material/smart_display:", url_path="video"),
    st.Page(
        "calibration.py",
        title=words(N_("Calibration")),
        icon=":material/grid_on:",
        url_path="calibration",
    ),
    st.Page("scenes.py", title=words(N_("Scenes")), icon=":material/category:", url_path="scenes"),
    st.Page("data_catalogue.py", title=words(N_("Data")), icon=":material/database:", url_path="data"),
]
page = st.navigation(screens)
with st.sidebar:
    st.html('<div style="font-weight:700;font-size:1.19rem;line-height:1.2">慧眼 Huiyan</div>')
    chosen = st.segmented_control(
        words(N_("Language")),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        default=current,
        key="language",
        label_visibility="collapsed",
    )
    choose_light(["/", *(f"/{each.url_path}" for each in screens if each.url_path)])
    st.link_button(
        words(N_("Big screen")),
        f"/big-screen?lang={current}",
        icon=":material/tv:",
        width="stretch",
        type="tertiary",
    )
if chosen and chosen != current:
    set_language(chosen)
    st.rerun()
page.run()
