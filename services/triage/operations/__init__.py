"""What leads and operators see of the whole: nothing lost, what waits, how long things take."""
