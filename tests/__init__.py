"""The tests: the real application over real HTTP and WebSocket, on a real database."""
