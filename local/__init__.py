"""The local stack: embedded Postgres and SAM's own API Gateway without Docker. Never deployed."""
