"""Alerts to people through real servers: a webhook server, a mail server, and SNS of moto."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import psycopg2
import pytest
from moto.server import ThreadedMotoServer

from sentiment_core.alerts.alert import Alert, Channel
from sentiment_core.alerts.champion_moves import champion_moves
from sentiment_core.alerts.data_causes import late_sources, reject_shares
from sentiment_core.alerts.sent_alerts import send_once
from sentiment_core.alerts.webhooks import pagerduty_event, slack_message
from sentiment_core.database.connection import connect
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.dags.alert_servers import Mail, Webhook


@pytest.fixture
def topic() -> Iterator[tuple[str, Any, str]]:
    """The ARN of a topic of moto, a queue that gets its messages, and the address of moto."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    access = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    topic = boto3.resource("sns", **access, **keys).create_topic(Name="alerts")
    queue = boto3.resource("sqs", **access, **keys).create_queue(QueueName="alerts")
    topic.subscribe(Protocol="sqs", Endpoint=queue.attributes["QueueArn"])
    yield topic.arn, queue, access["endpoint_url"]
    server.stop()


@pytest.fixture
def channels(connections, servers, to_slack, topic) -> dict[str, str]:
    """The environment of tasks with a channel of each kind."""
    (web, mail), (arn, _, sns) = servers, topic
    aws = json.loads(connections["AIRFLOW_CONN_AWS_DEFAULT"])
    aws["extra"]["service_config"] = {"sns": {"endpoint_url": sns}}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": mail}
    smtp["extra"] = {"from_email": "sentiment@example.com", "disable_ssl": True, "disable_tls": True}
    return (
        connections
        | to_slack
        | {
            "SENTIMENT_ALERTS": json.dumps(
                ["slack:alerts_slack", "pagerduty:alerts_pagerduty failure late", f"sns:{arn}", "smtp:ops@example.com"]
            ),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp),
            "AIRFLOW_CONN_ALERTS_PAGERDUTY": json.dumps(
                {"conn_type": "http", "host": f"{web}/v2/enqueue", "password": "routing-key"}
            ),
        }
    )


RUNS = """
import json
import score_reviews
dag = score_reviews.score_reviews()
for task in dag.tasks:
    task.retries = 0
states = []
for conf in {confs}:
    run = dag.test(run_conf=conf)
    states.append(str(run.state))
print(json.dumps(states))
"""
DAY = "2026-11-16"


def test_each_cause_is_one_message_in_each_channel_with_a_link_and_the_next_step(
    in_airflow, channels, settings, stack, topic
) -> None:
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), cache=settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    s3 = stack.object_store.client()
    for name, body in (("a", b"review\nfine\n\xff\n"), ("b", b"words\n{{ 7 * 7 }}\n")):
        s3.put_object(Bucket=settings.bucket, Key=f"incoming/shop/dt={DAY}/{name}.csv", Body=body)
    Webhook.answers.append(503)  # the channel is tried again
    unknown = {"day": DAY, "model_version": "9999"}
    # The second run of each finds the same rejects, and the second failure is of another run.
    states = in_airflow(RUNS.format(confs=[{"day": DAY}, {"day": DAY, "replace": True}, unknown]), **channels)
    assert states == ["success", "success", "failed"]

    slack = [body["text"] for path, body in Webhook.received if path == "/services/T0/secret"]
    pagerduty = [body for path, body in Webhook.received if path == "/v2/enqueue"]
    _, queue, _ = topic
    sns = [json.loads(message.body) for message in queue.receive_messages(MaxNumberOfMessages=10)]
    titles = ["Rejects of shop on 2026-11-16: 50.0% of rows", "score_reviews: task plan failed"]
    assert [text.split("*")[1] for text in slack] == titles
    assert f"/sentiment/files?day={DAY}&amp;state=rejected|Open>" in slack[0]
    assert all("\nNext: " in text for text in slack)
    assert "9999" in slack[1]
    assert [event["payload"]["summary"] for event in pagerduty] == titles[1:], "it gets failures and late data only"
    assert pagerduty[0]["routing_key"] == "routing-key"
    assert sorted(message["Subject"] for message in sns) == titles
    assert [message["Subject"] for message in Mail.received] == titles
    assert Mail.received[0]["To"] == "ops@example.com"
    with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT cause) FROM sentiment.sent_alert")
        assert cursor.fetchone() == (7, 2)


SEND = """
import json, logging
import alerting
from sentiment_core.alerts.alert import Alert
from sentiment_core.errors import AlertFailed
alert = Alert("drift", "2026-11-16 abc", "warning", "Drift of {{{{ dag }}}}", "detail", "look", "http://x/y?a=1&b=2")
errors = []
for _ in range({times}):
    try:
        alerting.send(alert, {{}}, required=True)
    except AlertFailed as error:
        errors.append(str(error))
print(json.dumps(errors))
"""


def test_a_channel_that_fails_loses_nothing_and_its_secret_is_not_shown(in_airflow, channels, servers) -> None:
    only = {"SENTIMENT_ALERTS": '["slack:alerts_slack"]'}
    Webhook.answers.extend([404, 302])
    gone, moved = in_airflow(SEND.format(times=4), **channels | only)
    assert "HTTP 404" in gone
    assert "HTTP 302" in moved
    assert "secret" not in gone + moved
    ((_, sent),) = Webhook.received
    assert sent["text"].startswith("*Drift of {{ dag }}*"), "the text is no template"
    nobody = json.dumps({"conn_type": "http", "password": "http://127.0.0.1:9/services/secret"})
    environment = channels | only | {"AIRFLOW_CONN_ALERTS_SLACK": nobody}
    (refused,) = in_airflow(SEND.format(times=1).replace("abc", "other"), **environment)
    assert refused == (
        "An alert could not be sent to slack:alerts_slack: ConnectionError. Check the channel's Airflow connection."
    )


def test_without_the_database_an_alert_is_sent_all_the_same(in_airflow, channels) -> None:
    nothing = {"AIRFLOW_CONN_SENTIMENT_DB": "postgresql://nobody:x@127.0.0.1:9/none"}
    only = {"SENTIMENT_ALERTS": '["slack:alerts_slack drift"]'}
    assert in_airflow(SEND.format(times=1), **channels | nothing | only) == []
    assert len(Webhook.received) == 1


ALERT = Alert("late", "shop <b>", "warning", "No file\nof <shop>", "detail " * 400, "ask", "http://a/?x=1&y=2")


def test_the_texts_of_webhooks_cannot_form_markup_and_keep_to_their_limits() -> None:
    text = slack_message(ALERT)["text"]
    assert text.startswith("*No file of &lt;shop&gt;*\n")
    assert text.endswith("<http://a/?x=1&amp;y=2|Open>")
    event = pagerduty_event(ALERT._replace(title="t" * 3000, key="k" * 300), "key")
    assert len(event["payload"]["summary"]) == 200
    assert len(event["dedup_key"]) == 255
    assert len(event["payload"]["custom_details"]["detail"]) == 1500
    assert re.fullmatch("info|warning|error|critical", event["payload"]["severity"])
    assert pagerduty_event(ALERT._replace(link=""), "key")["links"] == []


def test_a_channel_gets_all_causes_or_those_that_it_names() -> None:
    assert Channel.parse("sns:arn:aws:sns:eu-central-1:1:t") == (
        "sns",
        "arn:aws:sns:eu-central-1:1:t",
        ("failure", "late", "rejects", "drift", "promotion"),
    )
    assert Channel.parse("slack:chat late drift").causes == ("late", "drift")


def test_an_alert_is_sent_once_to_each_channel_and_again_after_an_error(database_url) -> None:
    sent: list[str] = []
    chat, mail = Channel.parse("slack:chat"), Channel.parse("smtp:ops@example.com")

    def fail() -> None:
        raise OSError("no route")

    with connect(database_url) as connection:
        with pytest.raises(OSError, match="no route"):
            send_once(connection, ALERT, chat, fail)
        assert [send_once(connection, ALERT, each, lambda: sent.append("x")) for each in (chat, chat, mail)] == [
            True,
            False,
            True,
        ]
    assert sent == ["x", "x"]


def test_a_source_is_late_if_it_usually_sends_a_file_a_day(database_url) -> None:
    files = """
        INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day)
        SELECT 'b', %(source)s || day, 'v', 'e', %(at)s, 1, %(source)s, day::date
        FROM generate_series(%(first)s::date, %(last)s::date, '1 day') AS day
    """
    at = datetime(2026, 11, 20, tzinfo=UTC)
    with connect(database_url) as connection:
        for source, first, last in (
            ("daily", "2026-11-01", "2026-11-15"),
            ("present", "2026-11-01", "2026-11-16"),
            ("weekly", "2026-11-11", "2026-11-12"),
        ):
            with connection, connection.cursor() as cursor:
                cursor.execute(files, {"source": source, "first": first, "last": last, "at": at})
        assert late_sources(connection, at.date().replace(day=16)) == ["daily"]
        assert late_sources(connection, at.date().replace(day=17)) == ["daily", "present"]
        assert reject_shares(connection, "no such run") == []


def test_each_move_of_the_champion_has_its_message_and_the_first_entry_of_the_history_has_none(database_url) -> None:
    digest = "a" * 64
    with connect(database_url) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO sentiment.model (digest, name) VALUES (%s, 'm')", (digest,))
            cursor.execute(
                """
                INSERT INTO sentiment.promotion (alias, kind, state, from_version, to_version, to_digest, actor, reason)
                VALUES ('champion', 'external', 'moved', NULL, 1, %(digest)s, 'MLflow', 'existed before the history'),
                       ('champion', 'set', 'moved', 1, 2, %(digest)s, 'ann', 'set by hand'),
                       ('challenger', 'set', 'moved', NULL, 3, %(digest)s, 'ann', 'trained'),
                       ('champion', 'promote', 'refused', 2, 3, %(digest)s, 'ann', 'looks good.'),
                       ('champion', 'external', 'moved', 2, NULL, NULL, 'MLflow', 'removed'),
                       ('champion', 'rollback', 'intended', NULL, 1, %(digest)s, 'ann', 'not settled yet')
                """,
                {"digest": digest},
            )
            cursor.execute(
                "INSERT INTO sentiment.promotion (alias, kind, state, to_version, to_digest, actor, reason, moved_at)"
                " VALUES ('champion', 'force', 'moved', 4, %s, 'ann', 'long ago', now() - interval '3 days')",
                (digest,),
            )
        found = [move.alert(lambda name: f"http://airflow/sentiment/{name}") for move in champion_moves(connection)]
    assert [(alert.key, alert.severity, alert.title) for alert in found] == [
        ("2", "warning", "Model version 2 is the champion, set without the gate"),
        ("4", "warning", "Model version 3 was refused"),
        ("5", "error", "There is no champion: the alias was removed in MLflow"),
    ]
    assert found[1].detail == "By ann: looks good. Champion before: version 2."
    assert found[1].link == "http://airflow/sentiment/models/moves/4"
