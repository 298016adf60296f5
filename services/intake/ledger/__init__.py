"""One row a report, so that nothing is unaccounted for."""
