"""Line managers who work cases of misuse (R-d): what notifier says of them, and the page that they see."""
