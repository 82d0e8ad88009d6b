"""The desk where data come in: file, columns, check, load, and taking a load back."""
