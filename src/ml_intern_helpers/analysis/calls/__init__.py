"""Which calls reach an indexed library, and what its release offers there."""
