"""What a cluster's accounting says of its jobs, and the daily comparison with the books."""

import django.db.models.deletion
import functools
import kifabrik.core.ids
import kifabrik.ledger.reconciliation
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0003_subjects_of_posts'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobAccount',
            fields=[
                ('id', models.CharField(default=functools.partial(kifabrik.core.ids.new_id, *('job',), **{}), editable=False, max_length=40, primary_key=True, serialize=False)),
                ('cluster', models.CharField(max_length=64)),
                ('job_id', models.CharField(max_length=64)),
                ('submitted_at', models.DateTimeField()),
                ('subject', models.CharField(db_index=True, help_text='<run>:<attempt> of a run of the allocation, else this row', max_length=160)),
                ('run_id', models.CharField(blank=True, help_text='empty for a job that no run started', max_length=40)),
                ('account', models.CharField(max_length=64)),
                ('user_name', models.CharField(blank=True, max_length=64)),
                ('state', models.CharField(max_length=40)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('devices', models.PositiveIntegerField(default=0)),
                ('gpu_seconds', models.BigIntegerField()),
                ('cpu_seconds', models.FloatField(default=0)),
                ('restarts', models.PositiveIntegerField(default=0)),
                ('exit_code', models.IntegerField(blank=True, null=True)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('-submitted_at', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('made_at', models.DateTimeField()),
                ('accounted_until', models.DateTimeField(blank=True, null=True)),
                ('subjects', models.PositiveIntegerField()),
                ('booked_gpu_seconds', models.BigIntegerField()),
                ('accounted_gpu_seconds', models.BigIntegerField()),
            ],
            options={
                'ordering': ('-day',),
            },
        ),
        migrations.CreateModel(
            name='ReconciliationLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=160)),
                ('run_id', models.CharField(blank=True, max_length=40)),
                ('job_id', models.CharField(blank=True, max_length=64)),
                ('user_name', models.CharField(blank=True, max_length=64)),
                ('state', models.CharField(blank=True, max_length=40)),
                ('booked_gpu_seconds', models.BigIntegerField()),
                ('accounted_gpu_seconds', models.BigIntegerField()),
                ('reason', models.CharField(choices=[(kifabrik.ledger.reconciliation.Reason['RUNNING'], kifabrik.ledger.reconciliation.Reason['RUNNING']), (kifabrik.ledger.reconciliation.Reason['NOT_YET_REPORTED'], kifabrik.ledger.reconciliation.Reason['NOT_YET_REPORTED']), (kifabrik.ledger.reconciliation.Reason['NEVER_REPORTED'], kifabrik.ledger.reconciliation.Reason['NEVER_REPORTED']), (kifabrik.ledger.reconciliation.Reason['LOST_AND_RERUN'], kifabrik.ledger.reconciliation.Reason['LOST_AND_RERUN']), (kifabrik.ledger.reconciliation.Reason['BY_HAND'], kifabrik.ledger.reconciliation.Reason['BY_HAND']), (kifabrik.ledger.reconciliation.Reason['FOREIGN'], kifabrik.ledger.reconciliation.Reason['FOREIGN']), (kifabrik.ledger.reconciliation.Reason['RUNAWAY'], kifabrik.ledger.reconciliation.Reason['RUNAWAY']), (kifabrik.ledger.reconciliation.Reason['AFTER_EXPIRY'], kifabrik.ledger.reconciliation.Reason['AFTER_EXPIRY']), (kifabrik.ledger.reconciliation.Reason['UNEXPLAINED'], kifabrik.ledger.reconciliation.Reason['UNEXPLAINED'])], max_length=20)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.AddField(
            model_name='site',
            name='accounted_until',
            field=models.DateTimeField(blank=True, help_text='every job that ended before it is booked; empty without accounting', null=True),
        ),
        migrations.AddField(
            model_name='jobaccount',
            name='allocation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='compute.allocation'),
        ),
        migrations.AddField(
            model_name='jobaccount',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='compute.site'),
        ),
        migrations.AddField(
            model_name='reconciliation',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reconciliations', to='compute.site'),
        ),
        migrations.AddField(
            model_name='reconciliationline',
            name='allocation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reconciliation_lines', to='compute.allocation'),
        ),
        migrations.AddField(
            model_name='reconciliationline',
            name='reconciliation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='compute.reconciliation'),
        ),
        migrations.AddConstraint(
            model_name='jobaccount',
            constraint=models.UniqueConstraint(fields=('site', 'cluster', 'job_id', 'submitted_at'), name='one_job_of_an_identity'),
        ),
        migrations.AddConstraint(
            model_name='jobaccount',
            constraint=models.CheckConstraint(condition=models.Q(('gpu_seconds__gte', 0)), name='accounted_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='reconciliation',
            constraint=models.UniqueConstraint(fields=('site', 'day'), name='one_reconciliation_a_day'),
        ),
    ]
