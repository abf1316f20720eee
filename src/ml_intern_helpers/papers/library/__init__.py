"""What earlier runs leave on disk: papers they have met, parsed answers, and the user's notes."""
