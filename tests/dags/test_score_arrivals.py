"""The DAG that scores files as they arrive: its schedule by setting, and its runs from messages and polls."""

import json
from urllib.parse import unquote_plus

import boto3
import psycopg2
import pytest
from moto.server import ThreadedMotoServer

from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel

SCHEDULES = """
import importlib, json, os
import score_arrivals
from airflow.serialization.serialized_objects import DagSerialization
from sentiment_core.settings import settings
found = []
for queue, period in (("", "0"), ("", "30"), ({queue!r}, "0"), ({queue!r}, "600")):
    os.environ |= {{"SENTIMENT_ARRIVALS_QUEUE": queue, "SENTIMENT_ARRIVALS_EVERY_S": period}}
    settings.cache_clear()
    importlib.reload(score_arrivals)
    text = json.dumps(DagSerialization.to_dict(score_arrivals.score_arrivals()), sort_keys=True)
    timetable = DagSerialization.from_dict(json.loads(text)).timetable
    found.append([type(timetable).__name__, {queue!r} in text])
print(json.dumps(found))
"""
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/arrivals"


def test_the_schedule_is_off_a_poll_a_queue_or_both(in_airflow) -> None:
    assert in_airflow(SCHEDULES.format(queue=QUEUE)) == [
        ["NullTimetable", False],
        ["DeltaTriggerTimetable", False],
        ["AssetTriggeredTimetable", True],
        ["AssetOrTimeSchedule", True],
    ]


@pytest.fixture
def aws(connections, settings, monkeypatch):
    """S3 and SQS of moto: a bucket whose notifications go to a queue, and the environment of tasks that use both."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    access = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3, sqs = (boto3.client(name, **access, **keys) for name in ("s3", "sqs"))
    queue = sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=settings.bucket)
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "incoming/"}]}}
    s3.put_bucket_notification_configuration(
        Bucket=settings.bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": prefix}]
        },
    )
    sqs.purge_queue(QueueUrl=queue)  # S3 sends a test message when notifications are turned on
    connection = {"conn_type": "aws", "login": "test", "password": "test", "extra": access}
    environment = connections | {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "SENTIMENT_ARRIVALS_QUEUE": queue,
        "SENTIMENT_S3_ENDPOINT_URL": access["endpoint_url"],
        "AWS_ENDPOINT_URL_S3": access["endpoint_url"],
    }
    yield s3, sqs, queue, environment
    server.stop()


# The trigger of the DAG, as the triggerer runs it: until its first event, or until the queue was empty for a while.
RECEIVE = """
import asyncio, json, logging
import score_arrivals
trigger = score_arrivals.queue_trigger()
trigger.wait_time_seconds = 1
async def events():
    found = []
    async def receive():
        async for event in trigger.run():
            found.extend(json.loads(message["Body"]) for message in event.payload["message_batch"])
    try:
        await asyncio.wait_for(receive(), 4)
    except TimeoutError:
        pass
    return found
print(json.dumps(asyncio.run(events())))
"""

# One run after the other, as the scheduler starts them with `max_active_runs=1`.
RUNS = """
import json, re
import score_arrivals
states = []
for _ in range({runs}):
    run = score_arrivals.score_arrivals().test()
    tasks = {{task.task_id: task for task in run.get_task_instances()}}
    states.append({{name: str(task.state) for name, task in tasks.items()}})
    if states[-1]["score"] == "success":
        link = tasks["score"].xcom_pull(task_ids="score", key="_link_files", map_indexes=0)
        assert re.search("/sentiment/files/[0-9]+$", link), link
print(json.dumps(states))
"""
LOADED = {"plan": "success", "score": "success", "summary": "success"}
NOTHING = {"plan": "skipped", "score": "skipped", "summary": "skipped"}


def test_a_lost_or_repeated_or_forged_message_changes_nothing_but_the_delay(in_airflow, aws, settings) -> None:
    s3, sqs, queue, environment = aws
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), cache=settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))

    def rows() -> list[tuple]:
        with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT key, text FROM sentiment.scored_reviews ORDER BY key, line")
            return cursor.fetchall()

    first, second = "incoming/shop/dt=2026-11-16/a.csv", "incoming/shop/dt=2026-11-16/b.csv"
    s3.put_object(Bucket=settings.bucket, Key=first, Body=b"review\nfine\n")
    s3.put_object(Bucket=settings.bucket, Key="elsewhere/c.csv", Body=b"review\nnot a drop\n")
    ((record,),) = (message["Records"] for message in in_airflow(RECEIVE, **environment))
    assert unquote_plus(record["s3"]["object"]["key"]) == first
    # The trigger has deleted the message. If the triggerer dies now, the event is lost, and any later run loads the
    # file. A second scheduler, or a message that is delivered twice, makes a run that finds nothing.
    assert in_airflow(RUNS.format(runs=2), **environment) == [LOADED, NOTHING]
    assert rows() == [(first, "fine")]
    with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT complete FROM sentiment.scored_days")
        assert cursor.fetchall() == [(False,)], "only score_reviews completes a day"

    # The message comes again, late. A forged one names a file that does not exist, and not the one that does.
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [record]}))
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [{"s3": {"object": {"key": "no/such.csv"}}}]}))
    assert len(in_airflow(RECEIVE, **environment)) == 2
    s3.put_object(Bucket=settings.bucket, Key=second, Body=b"review\nawful\n")
    (lost,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=lost["ReceiptHandle"])
    assert in_airflow(RECEIVE, **environment) == []
    assert in_airflow(RUNS.format(runs=1), **environment) == [LOADED]
    assert rows() == [(first, "fine"), (second, "awful")]
