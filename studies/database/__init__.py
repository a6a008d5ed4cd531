"""What differs between database servers, in one place for each."""
