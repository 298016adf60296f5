"""Delivery receipts: what GOV.UK Notify says of a message after it took it."""
