"""The service uses what aiohttp documents, and nothing of its inside."""

import ast

# What aiohttp's reference describes; `aiohttp.web` and names that `aiohttp` exports are documented as well.
DOCUMENTED = {"aiohttp", "aiohttp.web", "aiohttp.hdrs"}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def is_own_private(node):
    """Tell whether a node is an attribute like `self._name`."""
    match node:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr):
            return is_private(attr)
    return False


def private_uses(path):
    """Return the imports of undocumented modules, and the underscore names that are not a class's own."""
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [name.name for name in names]
            case ast.ImportFrom(module=str(module), names=names):
                modules = [module]
                found += [name.name for name in names if module.startswith("aiohttp") and name.name.startswith("_")]
            case ast.Attribute(attr=attr) if is_private(attr) and not is_own_private(node):
                found.append(attr)
                continue
            case ast.ClassDef(bases=bases) if any(ast.unparse(base).startswith(("web.", "aiohttp.")) for base in bases):
                # A subclass could reach their attributes through self.
                found += [each.attr for each in ast.walk(node) if is_own_private(each)]
                continue
            case _:
                continue
        found += [each for each in modules if each.partition(".")[0] == "aiohttp" and each not in DOCUMENTED]
    return found


def test_the_service_uses_no_private_name_of_aiohttp(checkout):
    files = sorted((checkout / "api").rglob("*.py"))
    assert len(files) > 30
    assert {file.name: found for file in files if (found := private_uses(file))} == {}


def test_the_scan_finds_what_it_looks_for(tmp_path):
    source = tmp_path / "used.py"
    source.write_text(
        "from aiohttp import web\n"
        "from aiohttp.http_parser import HttpRequestParser\n"
        "class Own(web.Response):\n"
        "    def peek(self): return self._body\n"
        "def peek(handler): return handler._waiter\n"
    )
    assert private_uses(source) == ["aiohttp.http_parser", "_body", "_waiter"]
