"""HTTP: connections, bodies, responses, content negotiation, CORS."""
