"""One request for a page: who asks, where the data is, and how the answer is rendered."""

from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from sentiment_plugin import form_tokens, rendering, runs
from sentiment_plugin.airflow_api import AirflowApi, segment
from sentiment_plugin.host import Host
from sentiment_plugin.problems import Problem

# Values of Sec-Fetch-Site that a browser sends for a form of our own pages. Old browsers send none.
OWN_SITE = (None, "same-origin")


class Question(NamedTuple):
    """What a user is asked before an action.

    `facts` say what will happen. `button` is the label of the confirmation. `fields` are sent with the answer. `back`
    is the path of the page to return to.
    """

    title: str
    facts: tuple[str, ...]
    button: str
    back: str
    fields: tuple[tuple[str, str], ...] = ()


class Page:
    """A request for a page. Route functions receive it as the parameter `page: AnyPage`."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.host: Host = request.app.state.host
        self.user: str = request.state.sentiment_user
        # The path below which the pages are served, also if Airflow itself is served below a path.
        self.base: str = request.scope.get("root_path", "").rstrip("/")

    @property
    def airflow(self) -> AirflowApi:
        """Airflow's REST API as this user."""
        return AirflowApi(self.request)

    def database_url(self) -> str:
        """Return the database's URI."""
        return self.host.database_url()

    def may_start(self, dag_id: str) -> bool:
        """Return whether the user may start runs of the DAG: show buttons only then."""
        return self.host.may_start(self.request, dag_id)

    def link(self, path: str, **query: Any) -> str:
        """Return the link to one of our pages. Query values that are empty or None are left out."""
        chosen = {name: value for name, value in query.items() if value not in ("", None)}
        return f"{self.base}/{path}" + (f"?{urlencode(chosen)}" if chosen else "")

    def dag_link(self, dag_id: str) -> str:
        """Return the link to a DAG in Airflow's UI. Mark such links with the attribute `data-airflow`."""
        return f"{self._airflow_base}/dags/{segment(dag_id)}"

    def run_link(self, dag_id: str, run_id: str, task_id: str = "", map_index: int = -1) -> str:
        """Return the link to a run in Airflow's UI, or to the log of one of its tasks."""
        link = f"{self.dag_link(dag_id)}/runs/{segment(run_id)}"
        if task_id:
            link += f"/tasks/{segment(task_id)}" + (f"/mapped/{map_index}" if map_index >= 0 else "")
        return link

    def render(self, template: str, title: str, status: int = 200, **values: object) -> HTMLResponse:
        """Render a template. It sees the values, and the page as `page`."""
        return rendering.render(
            template,
            status,
            title=title,
            page=self,
            tabs=self.request.app.state.tabs,
            here=self._path.partition("/")[0],
            **values,
        )

    def ask(self, question: Question, proposal: runs.Proposal) -> HTMLResponse:
        """Ask the user to confirm that the proposed run is started."""
        token = form_tokens.issue(self.host.secret(), self.user, self._path)
        return self.render("ask.html", question.title, question=question, proposal=proposal, token=token)

    def started(self, title: str, started: runs.Started, back: str) -> HTMLResponse:
        """Say which run was started, and by whom."""
        return self.render("started.html", title, started=started, back=back)

    @property
    def _path(self) -> str:
        """The path below `base`, without a leading slash."""
        return self.request.url.path.removeprefix(self.base).lstrip("/")

    @property
    def _airflow_base(self) -> str:
        return self.base.rpartition("/")[0]


AnyPage = Annotated[Page, Depends()]


class Acting:
    """A dependency for each route that changes something: the user must be allowed to start runs of the DAG.

    The form must come from a page that this user opened.
    """

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id

    async def __call__(self, page: AnyPage) -> None:
        """Raise `Problem` with status 403 when the request must not act."""
        if not page.may_start(self.dag_id):
            raise Problem(403, f"Only users who may start runs of the DAG {self.dag_id} can do this.")
        form = await page.request.form()
        token = str(form.get("token", ""))
        own_site = page.request.headers.get("sec-fetch-site") in OWN_SITE
        if not own_site or not form_tokens.is_valid(token, page.host.secret(), page.user, page._path):
            raise Problem(403, "This form was not sent from this page, or was open for too long. Open it again.")
