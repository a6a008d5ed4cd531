"""The sections to decide by: what tuning gained, what matters near the best, whether to stop trials early."""
