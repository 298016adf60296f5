"""What responders do with a case on its page, and where that leads them."""
