"""A training as a run in MLflow: what went in, how good the model is, what it looks like, and the registered version."""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import batched
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException

from sentiment_core import __version__
from sentiment_core.bundle import Bundle
from sentiment_core.evaluation import Evaluation
from sentiment_core.model_card import card_of, markdown
from sentiment_core.plots import draw_all
from sentiment_core.registration import answering, experiment_id
from sentiment_core.registry import DIGEST_TAG, Registry
from sentiment_core.tracking_server import TrackingServer
