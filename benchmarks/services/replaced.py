"""A service in the usual form: Flask, gunicorn, and a pickled scikit-learn pipeline.

The model is the same as ours. `SENTIMENT_PICKLE` is the path of the pipeline's file.
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
