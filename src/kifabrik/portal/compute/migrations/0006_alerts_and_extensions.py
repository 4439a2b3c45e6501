"""Marks that the use of an allocation passes, and the request to extend it."""

import django.db.models.deletion
import functools
import kifabrik.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0005_cluster_users_and_findings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AllocationAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('used-50', 'used-50'), ('used-80', 'used-80'), ('used-95', 'used-95'), ('unused', 'unused')], max_length=8)),
                ('gpu_seconds', models.BigIntegerField(help_text='used at that moment, or expected to stay unused')),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ('at', 'id'),
            },
        ),
        migrations.CreateModel(
            name='ExtensionRequest',
            fields=[
                ('id', models.CharField(default=functools.partial(kifabrik.core.ids.new_id, *('extend',), **{}), editable=False, max_length=40, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('months', 'months'), ('percent', 'percent')], max_length=8)),
                ('months', models.PositiveSmallIntegerField(default=0)),
                ('gpu_seconds', models.BigIntegerField(default=0)),
                ('report', models.TextField(help_text='the interim report: what was done, what is left to do')),
                ('state', models.CharField(choices=[('asked', 'asked'), ('granted', 'granted'), ('refused', 'refused')], default='asked', max_length=8)),
                ('asked_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('reasons', models.CharField(blank=True, max_length=1000)),
            ],
            options={
                'ordering': ('-asked_at',),
            },
        ),
        migrations.AddField(
            model_name='allocationalert',
            name='allocation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='compute.allocation'),
        ),
        migrations.AddField(
            model_name='extensionrequest',
            name='allocation',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='extension', to='compute.allocation'),
        ),
        migrations.AddField(
            model_name='extensionrequest',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='extensionrequest',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='allocationalert',
            constraint=models.UniqueConstraint(fields=('allocation', 'kind'), name='one_alert_of_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='allocationalert',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('used-50', 'used-80', 'used-95', 'unused'))), name='known_alert'),
        ),
        migrations.AddConstraint(
            model_name='extensionrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('asked', 'granted', 'refused'))), name='known_extension_state'),
        ),
        migrations.AddConstraint(
            model_name='extensionrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('gpu_seconds', 0), ('kind', 'months'), ('months__gt', 0)), models.Q(('gpu_seconds__gt', 0), ('kind', 'percent'), ('months', 0)), _connector='OR'), name='extension_of_one_kind'),
        ),
        migrations.AddConstraint(
            model_name='extensionrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('reasons', ''), ('state', 'asked')), models.Q(models.Q(('state', 'asked'), _negated=True), ('decided_at__isnull', False), models.Q(('reasons', ''), _negated=True)), _connector='OR'), name='decided_extension_has_reasons'),
        ),
    ]
