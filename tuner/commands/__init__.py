"""The subcommands of `tuner`, a file for those that go together; heavy imports stand inside the functions."""
