"""What Signpost costs beside the least that could do the same, measured in one run: `make bench`."""
