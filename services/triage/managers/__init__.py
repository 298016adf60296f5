"""Line managers who work on cases of misuse (R-d): what notifier says about them, and their page."""
