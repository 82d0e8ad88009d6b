"""Stored things: settings, tables, queries, commands, ingest, export, video streams, jobs."""
