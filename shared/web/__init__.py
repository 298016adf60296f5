"""The frame that every page and every API stands in."""
