"""Data: the catalogue of what is loaded, files to bring in, and layers to take home."""

from __future__ import annotations

import streamlit as st

from layers.i18n import N_
from pages import cached, cached_scenes
from pages.bringing.desk import bring_data_in
from pages.cataloguing.detail import detail
from pages.cataloguing.downloads import downloads
from pages.cataloguing.listing import listing
from pages.session import address, set_address, words
from pages.widgets.renewing import renewal
from pages.widgets.screen import screen

PARTS = {
    "catalogue": N_("Catalogue"),
    "bring": N_("Bring data in"),
    "home": N_("Take home"),
}


def main() -> None:
    with screen(
        N_("Data"),
        N_("What is loaded, who answers for it, how good and how fresh it is, and each layer to take home."),
    ) as revision:
        if revision is None:
            return
        part = _part()
        if part == "home":
            downloads(cached.register(revision), cached.layer_rows(revision))
        elif part == "bring":
            bring_data_in(revision)
        else:
            _catalogue(revision)


def _part() -> str:
    titles = {name: words(title) for name, title in PARTS.items()}
    asked = address("part")
    opened = asked if asked in PARTS else "catalogue"
    chosen = st.segmented_control(
        words(N_("Part")),
        list(PARTS),
        default=opened,
        format_func=titles.__getitem__,
        key="data_part",
        label_visibility="collapsed",
    )
    if chosen and chosen != opened:
        set_address(part=chosen)
    return chosen or opened


def _catalogue(revision: int) -> None:
    renewal(revision)
    stamp = cached_scenes.catalogue_stamp()
    rows = cached_scenes.catalogue(revision, stamp)
    name = listing(rows)
    if name is None:
        st.caption(words(N_("Choose a row for its card, quality, lineage, history, map and columns.")))
    else:
        detail(revision, stamp, rows[rows["name"] == name].iloc[0])


main()
