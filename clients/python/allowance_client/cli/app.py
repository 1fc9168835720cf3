"""The commands of `allowance`. A command's module is imported when the command runs."""

from cyclopts import App

from allowance_client.cli.main import COMMANDS

app = App(
    name="allowance",
    help="Allowance limits what people spend on AI models.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
    version_flags=[],
)
for _name, (_place, _does) in COMMANDS.items():
    app.command(f"allowance_client.cli.{_place}", name=_name, help=f"{_does.capitalize()}.")
# Its `**kwargs` have no type.
app.register_install_completion_command()  # pyright: ignore[reportUnknownMemberType]
