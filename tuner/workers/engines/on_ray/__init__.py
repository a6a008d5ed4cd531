"""Workers on a Ray cluster: `tuner launch STUDY --on ray`. Only this folder imports Ray."""
