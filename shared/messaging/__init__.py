"""Gets events from one database to another: nothing is lost, and nothing takes effect twice."""
