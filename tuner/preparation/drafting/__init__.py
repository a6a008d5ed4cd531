"""From a user's own module, or a LightningCLI configuration, to a commented study file."""
