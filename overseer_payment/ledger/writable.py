"""Whether the database takes anything now, found out without writing.

Reading goes on when a disk is mounted read-only, a file's mode is wrong, or a replica answers. People must
then be told why nothing moves before they try to move money.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection


def read_only(connection: Connection) -> bool:
    """Would the database refuse a write? Costs no lock, and on SQLite no more than a look at the file."""
    if connection.dialect.name == "postgresql":
        # On for a replica, too: it is in recovery as long as it is one.
        return str(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one()) == "on"
    url = connection.engine.url
    if url.query.get("mode") == "ro" or connection.exec_driver_sql("PRAGMA query_only").scalar_one():
        return True
    file = connection.exec_driver_sql("PRAGMA database_list").first()
    path = Path(file.file) if file is not None and file.file else None
    # What is gone while it is open can still be written; a database in memory always.
    if path is None or not path.exists():
        return False
    log = path.with_name(f"{path.name}-wal")
    # A change is first written beside the file: into the log that is there, else into one that is made.
    return not all(os.access(each, os.W_OK) for each in (path, log if log.exists() else path.parent))
