"""The served models (champion, canary, shadow) and scoring with them."""
