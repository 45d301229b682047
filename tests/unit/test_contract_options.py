"""The options that choose the contract of a command."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sentiment_core.cli.contract_options import ContractChoice, contract_options
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.source_contract import NO_CONTRACT
from sentiment_core.errors import SettingMissing
from sentiment_core.settings import Settings


@click.command()
@contract_options
@click.option("--other", default="kept")
def command(other: str, choice: ContractChoice) -> None:
    """Print the delimiter of the chosen contract."""
    click.echo(f"{other} {choice.rules(Settings()).contract.delimiter}")


def test_a_file_or_a_preset_is_chosen_beside_other_options(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("delimiter: pipe\n")
    run = CliRunner().invoke
    assert run(command, ["--contract", str(tmp_path / "c.yaml")]).output == "kept |\n"
    assert run(command, ["--preset", "amazon-tsv", "--other", "x"]).output == "x \t\n"
    assert run(command, []).output == "kept None\n"
    assert "Give only one of" in run(command, ["--preset", "yotpo", "--source", "shop"]).output


def test_a_local_file_has_no_contract_and_a_source_needs_the_database(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("SENTIMENT_DATABASE_URL", raising=False)
    (tmp_path / "a.csv").write_text("review\nfine\n")
    drop = local_drop(tmp_path / "a.csv")
    assert ContractChoice(None, None, None).rules(Settings(), drop).contract == NO_CONTRACT
    with pytest.raises(SettingMissing):
        ContractChoice("shop", None, None).rules(Settings(), drop)
