"""The subcommands that analyse a study, and what they are told of its space."""
