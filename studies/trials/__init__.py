"""What one trial says of itself: its attributes, its outcome, and both in words."""
