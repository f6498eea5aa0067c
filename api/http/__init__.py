"""HTTP: the query endpoint."""
