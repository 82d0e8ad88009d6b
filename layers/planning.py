"""What planning is called: models, sites, and what is known of a question, with units."""

from __future__ import annotations

from layers.i18n import N_

__all__ = ["DISTRICTS", "KINDS", "MODELS", "PARAMETERS", "SITE_KINDS", "SITE_NAMES"]

MODELS = {
    "mclp": N_("Most demand with N cameras (MCLP)"),
    "lscp": N_("Fewest cameras for a share of demand (LSCP)"),
    "backup": N_("Demand seen twice counts more (backup)"),
    "budgeted": N_("Most demand for a budget"),
    "fair": N_("N cameras, a minimum for every street (fair)"),
}
SITE_NAMES = {"lamps": N_("lamp posts"), "streets": N_("new poles along streets"), "walls": N_("walls")}
SITE_KINDS = {"lamp": N_("lamp post"), "street": N_("new pole"), "wall": N_("wall")}
KINDS = {"camera": N_("Cameras"), "sign": N_("Signs"), "qr": N_("QR points")}
DISTRICTS = {"county": N_("counties"), "street": N_("sub-districts"), "community": N_("communities")}

PARAMETERS = {
    # placing cameras
    "model": (N_("Model"), ""),
    "count": (N_("How many"), ""),
    "swaps": (N_("How many move"), ""),
    "kind": (N_("What is placed"), ""),
    "sites": (N_("Sites"), ""),
    "spacing_m": (N_("Distance between new sites"), "m"),
    "headings": (N_("Headings tried at a site"), ""),
    "lenses": (N_("Lenses"), ""),
    "weights": (N_("Kinds of demand and their factors"), ""),
    "budget": (N_("Budget"), N_("yuan")),
    "share_ratio": (N_("Share of demand to cover"), "0–1"),
    "by_cost": (N_("Cheapest rather than fewest"), ""),
    "backup_ratio": (N_("Worth of being seen twice"), "0–1"),
    "districts": (N_("Districts with a minimum"), ""),
    "minimum_ratio": (N_("Least share in every district"), "0–1"),
    "minima": (N_("Least share of some districts"), "0–1"),
    "area": (N_("Limited to the area"), ""),
    "cells": (N_("Limited to the cells"), ""),
    "most_candidates": (N_("Candidates weighed at most"), ""),
    "curve": (N_("With the curve of cover against number"), ""),
    "time_limit_s": (N_("Time for search and proof, about"), "s"),
    "keep": (N_("Cameras that stay"), ""),
    "executor": (N_("Computed by"), ""),
    # parking
    "rule": (N_("Distances kept clear"), ""),
    "clearances": (N_("Own distances"), "m"),
    "shape": (N_("How bays lie"), ""),
    "bay_cost": (N_("Cost of a bay"), N_("yuan")),
    "block_cost": (N_("Cost of a block's signs"), N_("yuan")),
    "limit_m": (N_("Walking limit"), "m"),
    "stay_min": (N_("Stay"), N_("minutes")),
    "free_ratio": (N_("Share of legal places that is free"), "0–1"),
    "recall": (N_("Recall of the detector"), "0–1"),
    "elasticity": (N_("Elasticity of legal parking to the tariff"), ""),
    "week_hours": (N_("Hours of the week for tariffs"), ""),
    "tariff": (N_("Tariff today"), N_("yuan an hour")),
    "officers": (N_("Officers a day"), ""),
    "shift_h": (N_("Shift"), N_("hours")),
    "window_h": (N_("Window at a place"), N_("hours")),
    "found_ratio": (N_("Share of violations found"), "0–1"),
    "least_vehicles": (N_("An hour is short from so many vehicles"), N_("vehicles")),
    "least_ratio": (N_("Share of hours that must be short"), "0–1"),
    "works_budget": (N_("Budget of the works"), N_("yuan")),
    "version": (N_("Version of the scenario"), ""),
    "scenario_version": (N_("Version of the scenario"), ""),
    # hot spots
    "class": (N_("Event class"), ""),
    "statistic": (N_("Statistic"), ""),
    "denominator": (N_("Denominator"), ""),
    "place": (N_("Place"), ""),
    "since": (N_("First day"), ""),
    "until": (N_("Day after the last"), ""),
    "days": (N_("Days of the week"), ""),
    "hours": (N_("Hours of the day"), ""),
    "bandwidth_m": (N_("Bandwidth"), "m"),
}
"""Member of a question → its words and its unit (empty: none)."""
