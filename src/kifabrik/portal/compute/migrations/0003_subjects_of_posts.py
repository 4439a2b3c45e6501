"""Names the attempt in the posts that were booked before posts could grow."""

from django.db import migrations


def name_subjects(apps, schema_editor):
    transfers = apps.get_model('compute', 'LedgerTransfer')
    for row in transfers.objects.filter(kind='post', subject='').iterator():
        row.subject = row.key.removeprefix('post:').removesuffix(':overdraft')
        row.save(update_fields=['subject'])


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0002_posts_that_grow'),
    ]

    operations = [
        migrations.RunPython(name_subjects),
    ]
