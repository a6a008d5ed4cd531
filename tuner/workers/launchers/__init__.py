"""How several workers of a study are started, watched and ended: `launcher` says what each way keeps to."""
