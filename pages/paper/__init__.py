"""Paper: documents that an office prints, signs and files."""
