"""Options that choose the contract by which a command reads files."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from sentiment_core.drops.drop import Drop
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules, SourceContract, contract_of, read_contract_file
from sentiment_core.settings import Settings


class ContractChoice(NamedTuple):
    """What the user chose: the contract of a source in the database, a YAML file or a preset; or nothing."""

    source: str | None
    file: Path | None
    preset: str | None

    def contract(self, config: Settings) -> SourceContract | None:
        """Return the chosen contract, or None if nothing was chosen. Raises `ContractInvalid` and `SettingMissing`."""
        if self.file is not None:
            return read_contract_file(self.file)
        if self.preset is not None:
            return contract_of({"preset": self.preset}, f"preset {self.preset!r}")
        return None if self.source is None else _stored_contract(config, self.source)

    def rules(self, config: Settings, drop: Drop | None = None) -> Rules:
        """Return the rules for a drop: by the chosen contract, or else by that of the drop's source.

        A local file has no source. Without a database no source has a contract.
        """
        chosen = self.contract(config)
        if chosen is None and drop is not None and drop.bucket and config.database_url is not None:
            chosen = _stored_contract(config, drop.source(config.incoming_prefix))
        return Rules(config, chosen or NO_CONTRACT)


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


def _stored_contract(config: Settings, source: str) -> SourceContract:
    # Imported here because a command that reads local files needs no database driver.
    from sentiment_core.database.connection import connect  # noqa: PLC0415
    from sentiment_core.ledger.source_contracts import current_contract  # noqa: PLC0415

    with connect(config.require_database_url()) as connection, connection, connection.cursor() as cursor:
        return current_contract(cursor, source).contract
