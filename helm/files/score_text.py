"""The request of `helm test` to the service: a clearly positive text scores positive. The answer names its model."""

import json
import os
import urllib.request

headers = {"Content-Type": "application/json"}
if key := os.environ.get("TEST_API_KEY"):
    headers["Authorization"] = f"Bearer {key}"
body = json.dumps({"text": "Works well, looks lovely, and arrived a day early. I love it."}).encode()
request = urllib.request.Request(f"{os.environ['TEST_API_URL']}/predict", body, headers)
with urllib.request.urlopen(request, timeout=30) as response:
    answer = json.load(response)
print(json.dumps(answer))
if answer["label"] != "positive" or len(answer["model"]["digest"]) != 64:
    raise SystemExit("The service's answer is not that of a model of reviews.")
