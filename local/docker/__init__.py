"""The local stack in Docker: SAM's own `start-api`, for tests that need real containers."""
