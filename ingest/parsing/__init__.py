"""Parsing captures into documents."""
