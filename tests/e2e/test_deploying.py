"""The command of docs/deploying.md reaches CloudFormation with at most one question."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from samcli.yamlhelper import yaml_parse
from werkzeug.serving import make_server

from tests.terminal import with_enter

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".local/build"
REGION = "eu-west-1"
SECONDS = 300
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Aws:
    """moto's AWS on loopback. It keeps the calls of CloudFormation."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self._moto: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._take, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _take(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            self.calls.append({key: value[0] for key, value in parse_qs(body.decode()).items()})
        return self._moto(environ, start_response)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **CREDENTIALS)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def aws() -> Generator[Aws]:
    """An account with SAM's own bucket, which moto cannot create through SAM."""
    account = Aws()
    template = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"SourceBucket": {"Value": {"Ref": "Bucket"}}},
    }
    account.client("cloudformation").create_stack(
        StackName="aws-sam-cli-managed-default",
        TemplateBody=json.dumps(template),
        Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
    )
    account.calls.clear()
    yield account
    account.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder like the result of `make build`, with one file in place of each build."""
    build = tmp_path / ".aws-sam/build"
    build.mkdir(parents=True)
    shutil.copy(BUILT / "template.yaml", build)
    shutil.copy(ROOT / "samconfig.toml", tmp_path)
    for each in BUILT.iterdir():
        if each.is_dir():
            (build / each.name).mkdir()
            (build / each.name / "code.py").touch()
    return tmp_path


def planned(*options: str) -> list[str]:
    """The commands that make runs for the command of the page."""
    page = (ROOT / "docs/deploying.md").read_text()
    (line,) = re.findall(r"^make deploy .*AlarmEmail.*$", page, re.MULTILINE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = [*shlex.split(line), "--dry-run", *options]
    made = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    return made.stdout.splitlines()


def documented() -> list[str]:
    """The `sam deploy` command that make runs after the build."""
    sam = Path(sys.executable).with_name("sam")
    (command,) = [each for each in planned(f"SAM={sam}") if each.startswith(f"{sam} deploy")]
    return shlex.split(command)


def parameters(call: dict[str, str]) -> dict[str, str]:
    keys = [key for key in call if key.endswith(".ParameterKey")]
    return {call[key]: call[key.replace("ParameterKey", "ParameterValue")] for key in keys}


@pytest.mark.thorough
def test_the_documented_command_asks_at_most_once_and_creates_a_stack(
    aws: Aws, project: Path
) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    session = with_enter(
        documented(),
        folder=project,
        environment=inherited
        | {name.upper(): value for name, value in CREDENTIALS.items()}
        | {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": aws.url,
            "HOME": str(project),
            "SAM_CLI_TELEMETRY": "0",
        },
        seconds=SECONDS,
    )
    assert len(session.questions) <= 1, session.questions
    # The deployment ends here, because moto has no SAM transform.
    created = [call for call in aws.calls if call["Action"] == "CreateChangeSet"]
    assert len(created) == 1, session.printed[-3000:]
    assert (created[0]["StackName"], created[0]["ChangeSetType"]) == ("allowance", "CREATE")
    assert created[0]["Capabilities.member.1"] == "CAPABILITY_IAM"
    assert "Capabilities.member.2" not in created[0]
    assert parameters(created[0]) == {"AlarmEmail": "you@acme.example", "Architecture": "arm64"}
    bucket, _, key = urlsplit(created[0]["TemplateURL"]).path.removeprefix("/").partition("/")
    uploaded = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert yaml_parse(uploaded)["Resources"].keys() == template()["Resources"].keys()
    assert "<<" not in uploaded, "CloudFormation has no merge keys"


def template() -> dict[str, Any]:
    return yaml_parse((ROOT / "template.yaml").read_text())


def test_building_and_deploying_install_only_sam() -> None:
    # --always-make: as in a clean clone.
    installs = [each for each in planned("--always-make") if "uv sync" in each]
    assert len(installs) == 1
    assert "--only-group deploy" in installs[0]
    assert "UV_PROJECT_ENVIRONMENT=.local/deploy" in installs[0]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    (sam,) = groups["deploy"]
    assert re.fullmatch(r"aws-sam-cli==[\d.]+", sam)


@pytest.mark.thorough
def test_a_question_in_the_terminal_is_counted_and_answered(tmp_path: Path) -> None:
    asking = "input('Stack name [allowance]: '); print('on: the way'); input('Deploy? [y/N]: ')"
    session = with_enter(
        [sys.executable, "-c", asking], folder=tmp_path, environment=os.environ, seconds=30
    )
    assert session.questions == ("Stack name [allowance]:", "Deploy? [y/N]:")
    assert session.code == 0
