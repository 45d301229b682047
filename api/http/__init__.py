"""HTTP itself: connections, bodies, responses, content negotiation, CORS."""
