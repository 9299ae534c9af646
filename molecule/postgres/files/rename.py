"""Makes the copy of a backup one of its own, of another PostgreSQL where a number is given: rename.py FOLDER [99]."""

import hashlib
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
path = folder / "manifest.json"
content = json.loads(path.read_text())
del content["checksum"]
content["name"] = folder.name
for major in sys.argv[2:]:
    content["server"].update({"number": int(major) * 10000, "version": f"{major}.0"})
canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
content["checksum"] = hashlib.sha256(canonical.encode()).hexdigest()
path.write_text(json.dumps(content))
