"""Hook entry points: read one event, ask a room, answer one JSON object."""
