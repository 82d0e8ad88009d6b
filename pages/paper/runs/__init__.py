"""Reports of kept runs: what is common to all, and a module for each kind."""
