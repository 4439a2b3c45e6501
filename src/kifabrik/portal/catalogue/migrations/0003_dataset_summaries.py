"""Lists read a short summary instead of whole cards."""

from django.db import migrations, models


def fill(apps, _schema_editor):
    """Write the summaries of the versions that are there; what a summary holds is said in queries/summaries.py."""
    versions = apps.get_model("catalogue", "DatasetVersion").objects
    for version in versions.only("pk", "card").iterator(chunk_size=50):
        card = version.card
        versions.filter(pk=version.pk).update(
            summary={
                "title": card["origin"]["title"],
                "licence": card["origin"]["licence"],
                "documents_kept": card["documents_kept"],
                "text_bytes": card["text_bytes"],
                "stopping": [
                    finding for finding in card["findings"] if finding["severity"] in ("serious", "blocking")
                ],
            }
        )



class Migration(migrations.Migration):
    dependencies = [
        ('catalogue', '0002_waivers_and_trials'),
    ]

    operations = [
        migrations.AddField(
            model_name='datasetversion',
            name='summary',
            field=models.JSONField(default=dict, help_text='what lists show, so that they need not read whole cards'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
