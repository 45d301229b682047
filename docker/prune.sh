#!/bin/sh
# Removes the files that only the packages' developers use from an environment: tests, headers, sources, symbols.
set -eu
site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for package in matplotlib mpl_toolkits networkx numba numpy pandas pyarrow scipy sklearn sqlalchemy; do
    if [ -d "$site/$package" ]; then
        find "$site/$package" -type d -name tests -prune -exec rm -rf {} +
    fi
done
rm -rf "$site"/pyarrow/include "$site"/pyarrow/src "$site"/numpy/_core/include
find "$site" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.a' \) -delete
# Libraries renamed by auditwheel stay unstripped: the patching leaves layouts that strip may break.
strip --strip-unneeded "$site"/llvmlite/binding/libllvmlite.so "$site"/uvloop/loop.*.so 2>/dev/null || [ ! -d "$site/uvloop" ]
