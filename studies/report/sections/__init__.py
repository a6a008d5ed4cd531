"""The sections of a report: each module is one, and is found because it lies here (see `section`)."""
