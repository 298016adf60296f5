"""The register itself: registering, importing, changing status, showing and exporting accounts."""
