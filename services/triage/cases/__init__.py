"""Cases: their life, the queue and the case page."""
