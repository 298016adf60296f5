"""Accounts that somebody else controls: frozen when SIRT confirms it, open again once recovery is recorded."""
