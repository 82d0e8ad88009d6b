"""What comes in: OpenStreetMap extracts, users' files, bulk copies."""
