"""Where Allowance is and who asks: options, the environment, and the configuration file.

A token is never an argument: every process of a machine may read arguments, and shells keep them.
"""

import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from allowance_client.cli.options import Options
from allowance_client.cli.problems import UsageProblem

TOKEN = re.compile(r"alw_[A-Za-z0-9]+_[A-Za-z0-9]+")
KEYS = {"url", "token_file", "organization"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
HINT = "Set ALLOWANCE_TOKEN, or write the token into a file and name it with --token-file."


@dataclass(frozen=True)
class Settings:
    """The address, the token and the organization of a command."""

    url: str
    token: str = field(repr=False)
    organization: str | None


def refuse_tokens(arguments: Iterable[str]) -> None:
    """Raise UsageProblem if an argument is a token, or gives one. The token is not repeated."""
    for each in arguments:
        if TOKEN.search(each):
            raise UsageProblem(
                "An argument is a token. Every process of this machine can read arguments, and the"
                f" shell keeps them in its history: revoke this token. {HINT}"
            )
        if each == "--token" or each.startswith("--token="):
            raise UsageProblem(
                "There is no --token: every process of this machine can read arguments, and the"
                f" shell keeps them in its history. {HINT}"
            )


def read_settings(options: Options, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a command. An option counts before the environment, and that before the file.

    Raise UsageProblem for what is missing or unusable.
    """
    path = config_path()
    config = _config(path)
    url = options.url or environment.get("ALLOWANCE_URL") or config.get("url")
    if not url:
        raise UsageProblem(
            f"The address of Allowance is missing. Set ALLOWANCE_URL, use --url, or write url = "
            f'"https://..." into {path}.'
        )
    _check_url(url)
    organization = (
        options.organization
        or environment.get("ALLOWANCE_ORGANIZATION")
        or config.get("organization")
    )
    return Settings(url, _token(options, environment, config), organization)


def config_path() -> Path:
    """The configuration file of this user, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("allowance") / "config.toml"


def _config(path: Path) -> dict[str, str]:
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}") from error
    if "token" in read:
        raise UsageProblem(
            f"{path} has a token. Write it into a file of its own, that only you may read, and"
            " name that file by token_file."
        )
    for key, value in read.items():
        if key not in KEYS:
            raise UsageProblem(f"{path} has {key!r}. It may have {', '.join(sorted(KEYS))}.")
        if not isinstance(value, str):
            raise UsageProblem(f"{path}: {key} must be text in quotes.")
    return read


def _check_url(url: str) -> None:
    if "@" in url or "?" in url or "#" in url:
        # A message would repeat a password in it.
        raise UsageProblem("The address of Allowance may have no user, query or fragment.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageProblem(f"{url!r} is no address: {error}.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise UsageProblem(f"{url!r} is no address. It begins with https://.")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise UsageProblem(
            f"{url!r} sends the token without encryption. Use https://, except on this machine."
        )


def _token(options: Options, environment: Mapping[str, str], config: Mapping[str, str]) -> str:
    """The token, which no message repeats."""
    if options.token_file is not None:
        token, origin = _token_in(options.token_file), str(options.token_file)
    elif environment.get("ALLOWANCE_TOKEN"):
        token, origin = environment["ALLOWANCE_TOKEN"].strip(), "ALLOWANCE_TOKEN"
    elif config.get("token_file"):
        path = Path(config["token_file"]).expanduser()
        token, origin = _token_in(path), str(path)
    else:
        raise UsageProblem(f"The token is missing. {HINT}")
    if not TOKEN.fullmatch(token):
        raise UsageProblem(f"{origin} has no token. A token looks like alw_ID_SECRET.")
    return token


def _token_in(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"The token file {path} cannot be read: {error}") from error
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH) and stat.S_ISREG(mode):
        print(f"allowance: other users may read {path}. Run: chmod 600 {path}", file=sys.stderr)
    return token
