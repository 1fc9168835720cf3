"""The local stack in Docker: SAM's own `start-api`, for what must be proved with real
containers.
"""
