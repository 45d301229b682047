"""A service as the replaced ones are written: Flask, gunicorn, and a pickled scikit-learn pipeline.

Its own code, by their recipe; the model is the same as ours. `SENTIMENT_PICKLE` names the pipeline's file.
"""

import os
import pickle
from pathlib import Path
from typing import Any

from flask import Flask, jsonify, request

app = Flask(__name__)
model = pickle.loads(Path(os.environ["SENTIMENT_PICKLE"]).read_bytes())  # noqa: S301 - what is measured


@app.post("/predict")
def predict() -> Any:
    """Score one text."""
    text = request.get_json()["text"]
    score = float(model.score([text])[0])
    return jsonify(sentiment=int(score > 0.5), score=score)
