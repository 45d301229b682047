"""The trace of a request, in the log and at a collector."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TEXT = {"text": "An excellent kettle, I love it."}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector():
    """Receives spans as an OpenTelemetry collector does."""
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def access_line(service, request_id):
    return service.wait(lambda: [line for line in service.log() if line.get("request_id") == request_id])[0]


@pytest.mark.parametrize("payload", [TEXT, TEXT | {"explain": True}, {}], ids=["at once", "through aiohttp", "bad"])
@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (TRACEPARENT, TRACE),
        (f"cc-{TRACE}-{PARENT}-01-later", TRACE),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        ('"; drop', None),
    ],
)
def test_the_log_names_the_trace_of_a_request(service, request, payload, traceparent, trace_id):
    request_id = f"trace-{abs(hash(request.node.name))}"
    service.post("/predict", payload, traceparent=traceparent, X_Request_Id=request_id)
    assert access_line(service, request_id).get("trace_id") == trace_id


def test_each_request_is_a_span_below_its_callers(start, collector, monkeypatch):
    address, received = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    service = start(TRACING="true").wait_ready()
    service.post("/predict", TEXT, traceparent=TRACEPARENT)
    service.post("/predict", TEXT, X_Request_Id="alone")
    service.post("/predict", {"text": "secret words", "more": 1}, traceparent=TRACEPARENT)
    assert len(access_line(service, "alone")["trace_id"]) == 32
    assert service.stop() == 0
    resources = [resource for _, sent in received for resource in sent.resource_spans]
    named = {item.key: item.value.string_value for resource in resources for item in resource.resource.attributes}
    assert named["service.name"] == "sentiment-api"
    assert named["deployment.environment.name"] == "test"
    spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
    predictions = [span for span in spans if span.name == "POST /predict"]
    assert [span.trace_id.hex() == TRACE for span in predictions] == [True, False, True]
    assert predictions[0].parent_span_id.hex() == PARENT
    assert predictions[0].kind == predictions[0].SPAN_KIND_SERVER
    assert 0 < predictions[0].end_time_unix_nano - predictions[0].start_time_unix_nano < 10e9
    codes = [{item.key: item.value for item in span.attributes} for span in predictions]
    assert [code["http.response.status_code"].int_value for code in codes] == [200, 200, 422]
    assert codes[2]["error.type"].string_value == "unknown_field"
    assert b"secret" not in b"".join(sent.SerializeToString() for _, sent in received)


def test_tracing_without_its_packages_is_a_plain_sentence():
    script = (
        "import sys; sys.modules['opentelemetry.sdk.trace'] = None; sys.argv = ['api'];"
        "from api.__main__ import main; sys.exit(main())"
    )
    environment = {"SENTIMENT_TRACING": "true", "SENTIMENT_API_PORT": "0"}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "extra `tracing`" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
