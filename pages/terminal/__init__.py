"""The command line: `huiyan …`."""
