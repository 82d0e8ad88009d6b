"""Pure thought: frames, arrays and numbers in, the same out. No database, no screen, no files, no clock."""
