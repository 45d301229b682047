"""A run whose conf has a key that is no param is refused, in every DAG, before it does anything."""

import pytest

RUN = """
import importlib, json
dag = getattr(importlib.import_module({name!r}), {name!r})()
said = []
for task in dag.tasks:
    task.on_failure_callback = [lambda context: said.append(str(context["exception"]))]
run = dag.test(run_conf={conf})
tasks = {{task.task_id: [str(task.state), task.try_number] for task in run.get_task_instances()}}
print(json.dumps([str(run.state), tasks, said]))
"""


@pytest.mark.parametrize(
    ("name", "first", "conf", "sentence"),
    [
        (
            "score_reviews",
            "plan",
            {"dya": "2026-11-15"},
            "The run's conf has the unknown key 'dya' (did you mean day?). Known keys: day, model_version, replace.",
        ),
        (
            "replay",
            "plan",
            {"file": [1]},
            "The run's conf has the unknown key 'file' (did you mean files?). "
            "Known keys: code, files, groups, replace, since, source, until.",
        ),
        (
            "retrain",
            "snapshot",
            {"policy": "better", "Promote": False},
            "The run's conf has the unknown key 'Promote' (did you mean promote?). "
            "Known keys: learning_curve, policy, promote, since, stars, training, until, version.",
        ),
        (
            "experiments",
            "plan",
            {"xyz": None},
            "The run's conf has the unknown key 'xyz'. Known keys: data, experiment, group_column, rows, unlabelled.",
        ),
        (
            "monitor_drift",
            "measure",
            {"days": "2026-11-15"},
            "The run's conf has the unknown key 'days' (did you mean day?). Known keys: day.",
        ),
        (
            "rescore",
            "plan",
            {"from": "2026-11-15"},
            "The run's conf has the unknown key 'from'. "
            "Known keys: make_current, model_version, parallel, since, sources, until.",
        ),
    ],
)
def test_a_run_with_an_unknown_key_fails_and_names_the_known_ones(
    in_airflow, connections, name, first, conf, sentence
) -> None:
    state, tasks, said = in_airflow(RUN.format(name=name, conf=conf), **connections)
    assert (state, tasks[first]) == ("failed", ["failed", 1])
    assert "success" not in {task for task, _ in tasks.values()}
    assert said[0].startswith(sentence)
