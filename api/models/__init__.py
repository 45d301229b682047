"""The models that answer: champion, canary and shadow, and scoring with them."""
