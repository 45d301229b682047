"""The example of a job run on EMR on EKS is a valid request, and its arguments are options of the job."""

import json
from pathlib import Path
from string import Template

import botocore.session
from botocore.validate import ParamValidator

from sentiment_core.spark.job import main

FILLED = {
    "DAY": "2026-11-27",
    "VIRTUAL_CLUSTER": "abcdefghijklmnopqrstuvwxy",
    "JOB_ROLE": "arn:aws:iam::111122223333:role/sentiment-spark",
    "RELEASE": "emr-0.0.0-latest",
    "IMAGE": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/sentiment-spark:1",
    "BUCKET": "lake",
}


def test_the_request_is_valid_and_its_arguments_are_those_of_the_job(checkout: Path) -> None:
    template = (checkout / "examples" / "spark" / "emr-on-eks.json").read_text()
    request = json.loads(Template(template).substitute(FILLED))
    model = botocore.session.get_session().get_service_model("emr-containers")
    shape = model.operation_model("StartJobRun").input_shape
    assert ParamValidator().validate({"clientToken": "once", **request}, shape).generate_report() == ""
    arguments = request["jobDriver"]["sparkSubmitJobDriver"]["entryPointArguments"]
    context = main.make_context("job", list(arguments), resilient_parsing=True)
    assert context.params["folder"] == "s3://lake/lake/reviews"
    assert context.params["keep"] == ("review_id",)
    documented = (checkout / "docs" / "engines.md").read_text()
    assert {f"${{{name}}}" in template and f"{name}=" in documented for name in FILLED} == {True}
