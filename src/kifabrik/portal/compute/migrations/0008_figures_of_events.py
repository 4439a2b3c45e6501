"""Repeats step and names of figures beside each event, so that a curve is thinned without reading all events."""

from django.db import migrations, models

BATCH = 1000


def name_streams(apps, _schema_editor):
    """Fill in what events that were told before lack, in pieces that fit into memory."""
    rows = apps.get_model('compute', 'RunEventRow').objects.filter(kind='metric').order_by('pk')
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        told = [row for row in batch if row.event.get('metrics')]
        for row in told:
            metrics = row.event['metrics']
            row.stream = f"{row.event.get('step', '')}|{','.join(each['name'] for each in metrics)}"[:200]
            row.training_step = min(metrics[0]['step'], 2**63 - 1)
        rows.model.objects.bulk_update(told, ['stream', 'training_step'])


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0007_newest_allocations_first'),
    ]

    operations = [
        migrations.AddField(
            model_name='runeventrow',
            name='stream',
            field=models.CharField(blank=True, default='', help_text='<step>|<names of the figures>', max_length=200),
        ),
        migrations.AddField(
            model_name='runeventrow',
            name='training_step',
            field=models.BigIntegerField(help_text='the training step that the figures are about', null=True),
        ),
        migrations.AddIndex(
            model_name='runeventrow',
            index=models.Index(condition=models.Q(('stream', ''), _negated=True), fields=['run', 'stream', 'training_step'], name='figures_of_a_run'),
        ),
        migrations.RunPython(name_streams, migrations.RunPython.noop, elidable=True),
    ]
