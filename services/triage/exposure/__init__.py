"""How much of what may upset them people are shown in a day: to warn them, never to compare them."""
