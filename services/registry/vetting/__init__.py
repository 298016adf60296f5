"""Vetting of the people who operate accounts (Sc-c): the level they hold, and until when."""
