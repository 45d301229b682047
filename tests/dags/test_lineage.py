"""Lineage of tasks, and as the OpenLineage provider sees it if it is installed."""

import importlib.util

import pytest

LINEAGE = """
import json
from linked_task import LinkedPythonOperator
from lineage import Lineage
class Connection:
    def get_dsn_parameters(self):
        return {"host": "db.example.com", "port": "5432", "dbname": "sentiment", "user": "x"}
found = Lineage.of(Connection(), [f"s3://reviews/incoming/shop/{n}.csv" for n in range(1_001)], 7)
task = LinkedPythonOperator(task_id="score", python_callable=print, op_args=(), op_kwargs={})
assert task.get_openlineage_facets_on_complete(None) is None
task.lineage = found
event = None
if WITH_PROVIDER:
    from airflow.providers.openlineage.extractors.manager import ExtractorManager
    from airflow.utils.state import TaskInstanceState
    class Run: run_id = "r"; conf = {}
    lineage = ExtractorManager().extract_metadata(
        Run(), task, task_instance_state=TaskInstanceState.SUCCESS, task_instance=object())
    output = lineage.outputs[0]
    event = [len(lineage.inputs), lineage.inputs[1].namespace, lineage.inputs[1].name, output.namespace, output.name,
             output.outputFacets["outputStatistics"].rowCount]
print(json.dumps([len(found.files), found.database, found.table, event]))
"""
PLACES = ["postgres://db.example.com:5432", "sentiment.sentiment.scored_reviews"]


def test_a_task_knows_the_files_that_it_read_and_the_table_that_it_wrote(in_airflow) -> None:
    assert in_airflow(f"WITH_PROVIDER = False\n{LINEAGE}") == [1_000, *PLACES, None]


@pytest.mark.skipif(
    importlib.util.find_spec("openlineage") is None, reason="the extra `lineage` is not in the lock; install it to test"
)
def test_the_openlineage_provider_gets_real_inputs_and_outputs(in_new_airflow) -> None:
    *_, event = in_new_airflow(f"WITH_PROVIDER = True\n{LINEAGE}")
    assert event == [1_000, "s3://reviews", "incoming/shop/1.csv", *PLACES, 7]
