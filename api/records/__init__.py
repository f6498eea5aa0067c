"""What people write: API keys, feedback, questions asked. Kept apart from snapshots, which nobody writes to."""
