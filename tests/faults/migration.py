"""A migration of the bookings database for the fault tests: migration.py NUMBER HOW.

`check` exits with 0 when NUMBER is done. `expand` adds a column, `breaking` renames one that the application needs.
`-half` fails after its first step, outside a transaction. `-slow` takes its time.
"""

import os
import sys
import time

import psycopg2

number, how = int(sys.argv[1]), sys.argv[2]
with open(os.environ["POSTGRES_PASSWORD_FILE"], encoding="utf-8") as file:
    password = file.read().strip()
connection = psycopg2.connect(
    host=os.environ["POSTGRES_HOST"],
    dbname=os.environ["POSTGRES_DB"],
    user=os.environ["POSTGRES_USER"],
    password=password,
)
connection.autocommit = True
cursor = connection.cursor()

if how == "check":
    cursor.execute("SELECT to_regclass('schema_version') IS NOT NULL")
    if cursor.fetchone()[0]:
        cursor.execute("SELECT coalesce(max(version), 0) FROM schema_version")
        sys.exit(cursor.fetchone()[0] < number)
    sys.exit(1)

kind, _, fault = how.partition("-")
cursor.execute("CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY)")
cursor.execute(f"ALTER TABLE places_booking ADD COLUMN IF NOT EXISTS note_{number} text NOT NULL DEFAULT ''")
if kind == "breaking":
    # Until the rename back the running application cannot book.
    cursor.execute("ALTER TABLE places_booking RENAME COLUMN name TO called")
if fault == "half":
    cursor.execute("SELECT 1 / 0")
if fault == "slow":
    cursor.execute("SELECT pg_sleep(30)")
if kind == "breaking":
    cursor.execute("ALTER TABLE places_booking RENAME COLUMN called TO name")
cursor.execute("INSERT INTO schema_version VALUES (%s) ON CONFLICT DO NOTHING", (number,))
print(f"migrated to {number} at {time.strftime('%H:%M:%S')}")
