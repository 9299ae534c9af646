from django.db import migrations

EVENTS = [
    ("reading-room", "Reading room", 12),
    ("climbing-hall", "Climbing hall", 40),
    ("open-air-cinema", "Open-air cinema", 600),
    ("city-run", "City run", 1_000_000),
]


def add(apps, schema_editor):
    event = apps.get_model("places", "Event")
    event.objects.bulk_create(event(slug=slug, name=name, capacity=capacity) for slug, name, capacity in EVENTS)


def remove(apps, schema_editor):
    apps.get_model("places", "Event").objects.filter(slug__in=[slug for slug, _, _ in EVENTS]).delete()


class Migration(migrations.Migration):
    dependencies = [("places", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
