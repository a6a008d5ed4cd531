"""Who may ask the dashboard, under which name, for what: everything here stands before any page."""
