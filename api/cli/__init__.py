"""The command line, `nekb`."""
