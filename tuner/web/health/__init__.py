"""Whether the dashboard and its database work, and the figures of every study for Prometheus."""
