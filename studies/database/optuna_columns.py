"""Optuna's tables, by the columns that they have had since its third release."""

import sqlalchemy as sa
from optuna.trial import TrialState

FINITE, HIGHEST, LOWEST, NAN = "FINITE", "INF_POS", "INF_NEG", "NAN"

studies = sa.table("studies", sa.column("study_id", sa.Integer))
trials = sa.Table(  # with its key, which the database counts
    "trials",
    sa.MetaData(),
    sa.Column("trial_id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer),
    sa.Column("study_id", sa.Integer),
    sa.Column("state", sa.Enum(TrialState)),
    sa.Column("datetime_start", sa.DateTime),
    sa.Column("datetime_complete", sa.DateTime),
)
params = sa.table(
    "trial_params",
    sa.column("param_id", sa.Integer),
    sa.column("trial_id", sa.Integer),
    sa.column("param_name", sa.String),
    sa.column("param_value", sa.Double),
    sa.column("distribution_json", sa.Text),
)
values = sa.table(
    "trial_values",
    sa.column("trial_id", sa.Integer),
    sa.column("objective", sa.Integer),
    sa.column("value", sa.Double),
    sa.column("value_type", sa.Enum(FINITE, HIGHEST, LOWEST, name="trialvaluetype")),
)
curves = sa.table(
    "trial_intermediate_values",
    sa.column("trial_id", sa.Integer),
    sa.column("step", sa.Integer),
    sa.column("intermediate_value", sa.Double),
    sa.column(
        "intermediate_value_type",
        sa.Enum(FINITE, HIGHEST, LOWEST, NAN, name="trialintermediatevaluetype"),
    ),
)
attributes, system_attributes = (
    sa.table(
        f"trial_{kind}_attributes",
        sa.column("trial_id", sa.Integer),
        sa.column("key", sa.String),
        sa.column("value_json", sa.Text),
    )
    for kind in ("user", "system")
)
