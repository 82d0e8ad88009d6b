"""Parts of the Calibration screen."""
