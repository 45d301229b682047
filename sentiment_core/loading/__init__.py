"""From a drop to stored rows, exactly once: loader, batch writer, binary COPY, rescoring, replay, the nightly run."""
