"""The processes that trainings run in: how they start, what they may take, how they end."""
