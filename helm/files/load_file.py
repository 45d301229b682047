"""The load of `helm test`: load a file of one review from the bucket into PostgreSQL. A second load changes nothing.

The script lists the file's folder as the nightly DAG does, so that the test also covers the permission to list.
"""

import json
import subprocess

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import s3_client
from sentiment_core.settings import settings

chosen = settings()
folder = f"{chosen.incoming_prefix}helm-test/dt=2000-01-01/"
body = b"review_id,review\nhelm-test,Works well and looks lovely.\n"
s3_client(chosen.s3_endpoint_url).put_object(Bucket=chosen.bucket, Key=f"{folder}helm-test.csv", Body=body)
command = ["sentiment", "load", "--json", f"s3://{chosen.bucket}/{folder}"]
(outcome,) = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
with connect(chosen.require_database_url()) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT label, score, model_digest FROM sentiment.scored_reviews WHERE source = 'helm-test'")
    rows = cursor.fetchall()
print(json.dumps({"status": outcome["status"], "rows": rows}))
if len(rows) != 1 or rows[0][0] != "positive":
    raise SystemExit(f"The view has {len(rows)} rows of the file and not one that is positive.")
