"""Writing: one transaction a command; it loads, asks analysis, writes."""
