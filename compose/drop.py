"""Drop files into the bucket: `drop.py FILE_OR_FOLDER`. The files of a folder keep their relative paths as keys.

A single file gets the source "laptop" and the date of yesterday, whose nightly run has not happened yet.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3


def keys(path: Path) -> dict[str, Path]:
    """Return the files to drop by their keys below `incoming/`."""
    if path.is_dir():
        return {str(file.relative_to(path)): file for file in sorted(path.rglob("*.*")) if file.is_file()}
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    return {f"laptop/dt={day}/{path.name}": path}


def main() -> None:
    """Upload the files, and print the keys."""
    store = boto3.client("s3", endpoint_url=os.environ["SENTIMENT_S3_ENDPOINT_URL"])
    bucket = os.environ["SENTIMENT_BUCKET"]
    for key, file in keys(Path(sys.argv[1])).items():
        store.upload_file(str(file), bucket, f"incoming/{key}")
        sys.stdout.write(f"s3://{bucket}/incoming/{key}\n")


if __name__ == "__main__":
    main()
