"""The queue: the cases that wait for a responder, filtered, in order, page by page."""
