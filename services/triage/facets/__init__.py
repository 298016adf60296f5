"""The words by which lists find cases, and the orders in which they show them."""
