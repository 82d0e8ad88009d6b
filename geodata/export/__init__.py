"""What goes out: GeoJSON that names its method, revision and licence."""
