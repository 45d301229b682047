"""Options that choose the contract by which a command reads files."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from sentiment_core.drops.drop import Drop
from sentiment_core.drops.source_contract import Rules, read_contract_file, read_preset
from sentiment_core.settings import Settings


class ContractChoice(NamedTuple):
    """What the user chose: the contract of a source in the database, a YAML file or a preset; or nothing."""

    source: str | None
    file: Path | None
    preset: str | None

    def rules(self, config: Settings, drop: Drop | None = None) -> Rules:
        """Return the rules for a drop: by the chosen contract, or else by that of the drop's source.

        A local file has no source. Without a database no source has a contract. Raises `ContractInvalid` and
        `SettingMissing`, and `click.UsageError` when the chosen source has no contract.
        """
        if self.file is not None:
            return Rules(config, read_contract_file(self.file))
        if self.preset is not None:
            return Rules(config, read_preset(self.preset))
        if self.source is not None:
            rules = _stored_rules(config, self.source)
            if rules.version == 0:
                raise click.UsageError(
                    f"The source {self.source!r} has no contract. `sentiment source list` lists those that have one."
                )
            return rules
        if drop is not None and drop.bucket and config.database_url is not None:
            return _stored_rules(config, drop.source(config.incoming_prefix))
        return Rules(config)


def contract_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `--source`, `--contract` and `--preset`, which become the argument `choice`."""

    @click.option("--source", help="Read the files by the contract of this source, from the database.")
    @click.option(
        "--contract",
        "file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Read the files by the contract in this YAML file.",
    )
    @click.option("--preset", help="Read the files by this preset. `sentiment source presets` lists them.")
    @wraps(command)  # also copies the options that it has already
    def with_choice(*args: Any, source: str | None, file: Path | None, preset: str | None, **options: Any) -> Any:
        if sum(chosen is not None for chosen in (source, file, preset)) > 1:
            raise click.UsageError("Give only one of --source, --contract and --preset.")
        return command(*args, choice=ContractChoice(source, file, preset), **options)

    return with_choice


def _stored_rules(config: Settings, source: str) -> Rules:
    # Imported here because a command that reads local files needs no database driver.
    from sentiment_core.database.connection import connect  # noqa: PLC0415
    from sentiment_core.ledger.source_contracts import current_contract  # noqa: PLC0415

    with connect(config.require_database_url()) as connection, connection, connection.cursor() as cursor:
        stored = current_contract(cursor, source)
    return Rules(config, stored.contract, stored.version)
