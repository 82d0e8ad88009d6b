"""Reading: every question asked of PostGIS."""
