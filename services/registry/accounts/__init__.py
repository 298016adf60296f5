"""The register itself: accounts registered, imported, changed, reviewed, frozen, recovered, closed; and their lists."""
