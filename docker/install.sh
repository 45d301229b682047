#!/bin/sh
# Puts the project's wheel into an environment, and compiles its kernels there for the stated processor.
set -eu
python=$1/bin/python
/opt/uv/bin/uv pip install --python "$python" --no-deps /wheel/*.whl
package=$("$python" -c 'import pathlib, sentiment_core; print(pathlib.Path(sentiment_core.__file__).parent)')
# Numba keeps code by the time of its source, of which layers of an image hold whole seconds.
find "$package" -exec touch -d '2000-01-01T00:00:00Z' {} +
"$python" -m compileall -q --invalidation-mode unchecked-hash "$package" "$package/../api"
"$python" -m sentiment_core.warmup
chmod -R a+rX "$package"
rm -f "$1/.lock"
