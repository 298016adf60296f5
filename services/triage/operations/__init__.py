"""The operations page of leads and operators: that nothing is lost, what waits, and how long things take."""
