"""Take-downs: which platform was asked to remove which link, when it is asked again, and what came of it."""
