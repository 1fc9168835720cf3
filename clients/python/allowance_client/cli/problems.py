"""What stops a command before or after a request, and its exit codes."""

OK = 0
REFUSED = 1
USAGE = 2
UNAVAILABLE = 3
INTERRUPTED = 130
BROKEN_PIPE = 141


class NotAllDone(Exception):
    """Allowance refused a part of what the command did. The message says what to do."""


class UnknownResponse(Exception):
    """The response is not one of Allowance, or of a version that this command does not know."""


class UsageProblem(Exception):
    """The command cannot run as it was written. The message says what to write."""
