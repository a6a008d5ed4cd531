"""Commands about workers, wherever they run."""
