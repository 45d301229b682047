#!/bin/sh
# Installs the project's wheel into an environment, and compiles its kernels there for the given processor.
set -eu
python=$1/bin/python
/opt/uv/bin/uv pip install --python "$python" --no-deps /wheel/*.whl
package=$("$python" -c 'import pathlib, sentiment_core; print(pathlib.Path(sentiment_core.__file__).parent)')
# Numba keys cached code by the modification time of its source. Image layers store that time in whole seconds only.
find "$package" -exec touch -d '2000-01-01T00:00:00Z' {} +
"$python" -m compileall -q --invalidation-mode unchecked-hash "$package" "$package/../api"
"$python" -m sentiment_core.warmup
chmod -R a+rX "$package"
rm -f "$1/.lock"
