"""Signing in and out at the front door. In embedded mode by choosing a person."""
