"""The subcommands that look: at studies, one trial, the workers, this machine."""
