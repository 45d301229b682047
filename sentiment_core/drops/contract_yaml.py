"""Parse the YAML of a contract strictly: text, lists and mappings only."""

from typing import Any, Final

import yaml

from sentiment_core.errors import ContractInvalid

_SPELLING: Final = (yaml.scanner.ScannerError, yaml.parser.ParserError)


class _Loader(yaml.BaseLoader):
    """Loads YAML of text, lists and mappings. Refuses a key that occurs twice, of which one value would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if key.value in keys[:number]:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} occurs twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def parsed_document(text: str, source: str) -> dict[str, Any]:
    """Return the document in a YAML text. Raises `ContractInvalid` when it is not a mapping.

    Every scalar is text, so that a column can be called `No` or `1`.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - it makes only text, lists and mappings
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        cure = ". Put a value in quotes if it has a colon or other punctuation" if isinstance(error, _SPELLING) else ""
        why = f"{line}{error.problem or error.context}{cure}"
        raise ContractInvalid(source=source, why=f"it is not YAML ({why})") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ContractInvalid(source=source, why=f"it is not YAML ({' '.join(str(error).split())})") from error
    if document in (None, ""):
        return {}
    if not isinstance(document, dict):
        raise ContractInvalid(source=source, why="it must be a mapping of names to values, such as `delimiter: ;`")
    return document
