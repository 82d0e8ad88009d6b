"""The parts of the Video screen: one module a tab."""
