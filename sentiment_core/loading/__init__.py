"""Load drops into stored rows, exactly once: loader, batch writer, binary COPY, rescoring, replay, nightly run."""
