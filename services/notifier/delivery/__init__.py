"""Delivery of messages: none is lost, and only an attempt left open by a crash is repeated."""
