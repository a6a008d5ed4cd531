"""What is wrong on this machine, and what to type: the checks of `tuner doctor`, a file a theme."""
