"""MCP: coding agents ask nekb."""
