"""One row per report, so that every report is accounted for."""
