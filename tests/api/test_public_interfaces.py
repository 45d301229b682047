"""The service uses what aiohttp documents, and nothing of its inside."""

import ast

# What aiohttp's reference describes; `aiohttp.web` and names that `aiohttp` exports are documented as well.
DOCUMENTED = {"aiohttp", "aiohttp.web", "aiohttp.hdrs"}
OWN = {"self", "cls"}


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
            case ast.Attribute(value=value, attr=str(attr)) if attr.startswith("_") and not attr.startswith("__"):
                if not (isinstance(value, ast.Name) and value.id in OWN):
                    found.append(attr)
                continue
            case ast.ClassDef(bases=bases):
                # A subclass of theirs could reach their attributes through self.
                found += [ast.unparse(base) for base in bases if ast.unparse(base).startswith(("web.", "aiohttp."))]
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
        "class Own(web.RequestHandler): pass\n"
        "def peek(handler): return handler._waiter\n"
    )
    assert private_uses(source) == ["aiohttp.http_parser", "web.RequestHandler", "_waiter"]
