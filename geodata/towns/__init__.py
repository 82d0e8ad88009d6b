"""Towns: where the data come from, real where they exist and simulated, and marked so, where they do not."""
