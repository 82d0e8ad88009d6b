"""The planner's workbench: scenarios of cameras, changed on the map, weighed, compared."""
