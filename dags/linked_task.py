"""Tasks with links in Airflow's UI: from a task to its files, its MLflow run, or its model version."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseOperatorLink, get_current_context
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
from lineage import Lineage


class TaskLink(BaseOperatorLink):
    """A link whose URL the task sets while it runs."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The label of the button."""
        return self._name

    @property
    def xcom_key(self) -> str:
        """The XCom in which Airflow keeps the URL."""
        return f"_link_{self._name.lower().replace(' ', '_')}"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL, or "" if the task ended before it was known. Airflow calls this at the end of the task."""
        del ti_key
        return str(operator.link_urls.get(self._name, ""))


class LinkedPythonOperator(DecoratedOperator, PythonOperator):
    """A `@task` with links. Subclasses list them, because a mapped task takes them from its class."""

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "templates_dict": "json",
        "op_args": "py",
        "op_kwargs": "py",
    }
    custom_operator_name: str = "@task"

    def __init__(self, *, python_callable: Any, op_args: Any, op_kwargs: Any, **kwargs: Any) -> None:
        self.link_urls: dict[str, str] = {}
        self.lineage: Lineage | None = None
        given = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=given, **given, **kwargs)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what the task read and wrote, or None. The OpenLineage provider calls this, if it is on."""
        del task_instance
        return self.lineage.operator_lineage() if self.lineage else None


def linked_task(*names: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator like `@task(**options)` for a task with links of these names."""
    links = tuple(TaskLink(name) for name in names)
    operator = type("LinkedPythonOperator", (LinkedPythonOperator,), {"operator_extra_links": links})
    return lambda function: task_decorator_factory(function, decorated_operator_class=operator, **options)


def set_link(name: str, url: str) -> None:
    """Set the URL of a link of the running task."""
    get_current_context()["ti"].task.link_urls[name] = url


def set_lineage(lineage: Lineage) -> None:
    """Set what the running task has read and written."""
    get_current_context()["ti"].task.lineage = lineage
