"""The entry of the command: its first page, its exit codes, and where it finds a token."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from allowance_client.cli.app import app
from allowance_client.cli.main import COMMANDS
from allowance_client.cli.options import Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.settings import Settings, read_settings
from tests.command_line import Ran, ran

TOKEN = "alw_id_SecretOfTheTest"
URL = "https://allowance.acme.example"
LOADED = (
    "import sys; from allowance_client.cli.main import run; code = run(sys.argv[1:]);"
    "print(*({'cyclopts', 'httpx', 'rich'} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
)

Config = Callable[[str], Path]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Writes the configuration file of this user. None is there before."""

    def write(text: str) -> Path:
        path = tmp_path / "allowance/config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_the_first_page_needs_no_library() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", LOADED, "--help"], check=True, capture_output=True, text=True
    )
    assert shown.stderr.strip() == ""
    assert shown.stdout == ran().out == ran("-h").out
    assert all(f"\n  {each} " in shown.stdout for each in COMMANDS)
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100
    assert ran("--version") == Ran(0, "0.1.0\n", "")


def test_every_command_says_what_it_does_and_takes() -> None:
    for name, (_, does) in COMMANDS.items():
        assert app[name].help == f"{does.capitalize()}."
        for each in [name, *(f"{name} {sub}" for sub in app[name] if not sub.startswith("-"))]:
            shown = ran(*each.split(), "--help")
            assert (shown.code, shown.err) == (0, "")
            assert f"Usage: allowance {each}" in shown.out
            # A docstring that is too wide is broken twice.
            assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_a_reader_that_stops_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", LOADED],
        # Output waits until the end, like everybody's.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr.strip()) == (141, b"")


def test_ctrl_c_ends_a_command_without_a_traceback(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, "-c", LOADED, "spend"],
            env=os.environ
            | {
                "ALLOWANCE_TOKEN": TOKEN,
                "ALLOWANCE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(9) == b"GET /api/"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_nobody_listens(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWANCE_TOKEN", TOKEN)
    ended = ran("spend", "--url", "http://127.0.0.1:1")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("allowance: Allowance is not available. ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("budgetz", 'Did you mean "budgets"?'),
        ("budgets set 1 --grup x", "Did you mean --group?"),
        ("budgets set 1,000 --group x", "'1,000' has a separator"),
        ("budgets set -5 --group x", "'-5' is negative"),
        ("budgets set 1 --name x --per house", "Choose from"),
        ("spend --timeout soon", "Invalid value"),
        ("tokens create x", "--expires"),
        ("spend --token abc", "There is no --token"),
        ("spend --token=abc", "There is no --token"),
        (f"spend --url {TOKEN}", "An argument is a token"),
        (f"usage assign s {TOKEN}x m", "revoke this token"),
        ("spend", "ALLOWANCE_URL"),
        (f"spend --url {URL}", "The token is missing"),
        (f"spend --url {URL} --timeout 0", "above 0"),
        (f"spend --url {URL} --timeout nan", "above 0"),
        ("spend --url https://me:Secret@acme.example", "no user, query or fragment"),
        ("spend --url http://allowance.acme.example", "without encryption"),
        ("spend --url ftp://localhost", "is no address"),
        ("spend --url https://[", "is no address"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    if "--timeout" in words:
        monkeypatch.setenv("ALLOWANCE_TOKEN", TOKEN)
    ended = ran(*words.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("allowance: ")
    assert says in ended.err
    assert "Secret" not in ended.err
    assert "Traceback" not in ended.err


def test_an_option_is_stronger_than_the_environment_and_the_file(
    config: Config, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}file\n")
    file.chmod(0o600)
    config(f'url = "{URL}/file"\ntoken_file = "{file}"\norganization = "file"\n')
    assert read_settings(Options(), {}) == Settings(f"{URL}/file", f"{TOKEN}file", "file")
    environment = {
        "ALLOWANCE_URL": f"{URL}/env",
        "ALLOWANCE_TOKEN": f"{TOKEN}env",
        "ALLOWANCE_ORGANIZATION": "env",
    }
    assert read_settings(Options(), environment) == Settings(f"{URL}/env", f"{TOKEN}env", "env")
    options = Options(url=URL, token_file=file, organization="option")
    read = read_settings(options, environment)
    assert read == Settings(URL, f"{TOKEN}file", "option")
    assert "Secret" not in repr(read)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'token = "{TOKEN}"', "has a token"),
        ('adress = "x"', "has 'adress'"),
        ("url = 5", "must be text"),
        ("url = ", "cannot be read"),
        (f'url = "{URL}"\ntoken_file = "/nowhere/token"', "cannot be read"),
        (f'url = "{URL}"\ntoken_file = "/dev/null"', "has no token"),
    ],
)
def test_a_wrong_configuration_file_is_named(config: Config, text: str, says: str) -> None:
    config(text)
    with pytest.raises(UsageProblem, match=says) as problem:
        read_settings(Options(), {})
    assert "Secret" not in str(problem.value)


def test_a_token_file_that_others_may_read_is_named(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    ended = ran("spend", "--url", "http://127.0.0.1:1", "--token-file", str(file))
    assert f"chmod 600 {file}" in ended.err
