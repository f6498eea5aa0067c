"""The routes of version 1, one module a noun."""
