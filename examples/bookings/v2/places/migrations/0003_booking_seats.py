from django.db import migrations, models


class Migration(migrations.Migration):
    """Expands the schema: version 1 keeps working while it serves next to version 2.

    Django's AddField drops the column's default in the database again, and then version 1, which does
    not know the column, could book no more. The default stays here.
    """

    dependencies = [("places", "0002_first_events")]
    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE places_booking ADD COLUMN seats smallint NOT NULL DEFAULT 1 CHECK (seats >= 0)",
            reverse_sql="ALTER TABLE places_booking DROP COLUMN seats",
            state_operations=[
                migrations.AddField("booking", "seats", models.PositiveSmallIntegerField(default=1)),
            ],
        )
    ]
