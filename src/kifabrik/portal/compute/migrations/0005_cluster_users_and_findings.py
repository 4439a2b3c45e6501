"""The names of people at a site, what its agent finds wrong, and a token that changes with its allocations."""

import django.db.models.deletion
import functools
import kifabrik.core.findings
import kifabrik.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0004_accounting'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ClusterUser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_name', models.CharField(max_length=32)),
                ('set_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('user_name',),
            },
        ),
        migrations.CreateModel(
            name='SiteFinding',
            fields=[
                ('id', models.CharField(default=functools.partial(kifabrik.core.ids.new_id, *('find',), **{}), editable=False, max_length=40, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=100)),
                ('severity', models.CharField(choices=[(kifabrik.core.findings.Severity['INFO'], kifabrik.core.findings.Severity['INFO']), (kifabrik.core.findings.Severity['WARNING'], kifabrik.core.findings.Severity['WARNING']), (kifabrik.core.findings.Severity['NOT_CHECKED'], kifabrik.core.findings.Severity['NOT_CHECKED']), (kifabrik.core.findings.Severity['SERIOUS'], kifabrik.core.findings.Severity['SERIOUS']), (kifabrik.core.findings.Severity['BLOCKING'], kifabrik.core.findings.Severity['BLOCKING'])], max_length=16)),
                ('message', models.CharField(max_length=500)),
                ('where', models.CharField(blank=True, max_length=200)),
                ('remedy', models.CharField(blank=True, max_length=500)),
                ('reference', models.CharField(blank=True, max_length=300)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-first_seen_at', 'id'),
            },
        ),
        migrations.AddField(
            model_name='site',
            name='allocations_token',
            field=models.CharField(blank=True, help_text='changes with every change of its allocations and cluster users', max_length=40),
        ),
        migrations.AddField(
            model_name='clusteruser',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cluster_users', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='clusteruser',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cluster_users', to='compute.site'),
        ),
        migrations.AddField(
            model_name='sitefinding',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='compute.site'),
        ),
        migrations.AddConstraint(
            model_name='clusteruser',
            constraint=models.UniqueConstraint(fields=('site', 'person'), name='one_user_name_of_a_person'),
        ),
        migrations.AddConstraint(
            model_name='clusteruser',
            constraint=models.UniqueConstraint(fields=('site', 'user_name'), name='one_person_of_a_user_name'),
        ),
        migrations.AddConstraint(
            model_name='sitefinding',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('site', 'code', 'where'), name='one_open_finding_of_a_place'),
        ),
        migrations.AddConstraint(
            model_name='sitefinding',
            constraint=models.CheckConstraint(condition=models.Q(('severity__in', ['info', 'warning', 'not-checked', 'serious', 'blocking'])), name='known_finding_severity'),
        ),
    ]
