"""A city-wide computation cut into parts: by place, each with the digest of all that goes in, done anywhere."""
