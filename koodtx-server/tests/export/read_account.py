"""Prints every line of an exported account with the member that it stands in, as NDJSON.

With --refuse each of the files has to be one that is no whole ZIP archive.
"""

import json
import sys
import zipfile


def show(path):
    with zipfile.ZipFile(path) as archive:
        # Reads all members and compares their checksums.
        assert archive.testzip() is None
        for name in archive.namelist():
            for line in archive.read(name).decode("utf-8").splitlines():
                print(json.dumps({"member": name, "line": json.loads(line)}))


def refuse(paths):
    for path in paths:
        try:
            zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            continue
        sys.exit(f"{path} was read as if it were whole")


if __name__ == "__main__":
    if sys.argv[1] == "--refuse":
        refuse(sys.argv[2:])
    else:
        show(sys.argv[1])
