"""How a study's question is answered: Lightning modules fitted by workers."""
