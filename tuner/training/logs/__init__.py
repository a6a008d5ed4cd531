"""What the loggers of a training write, each attempt in folders of its own."""
