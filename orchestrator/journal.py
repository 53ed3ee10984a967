"""The journal: append-only Parquet files, the truth from which the results database is made.

    journal/trials/     one file per finished stack, a row per trial, its curves nested in the row
    journal/studies/    one file per study definition, with the trials it asked for
    journal/systems/    one file per system as it was used

A file is written under a temporary name, fsynced and renamed, so it is there whole or not at all.
Workers write trials; whoever starts a study writes the rest. Nothing is ever changed or removed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import durable

SCHEMA_VERSION = 10

TRIALS = pa.schema(
    [
        ("trial_id", pa.string()), ("cell_id", pa.string()), ("context_id", pa.string()),
        ("context", pa.string()), ("config", pa.string()), ("settings", pa.string()),
        ("system", pa.string()), ("architecture", pa.string()), ("regime", pa.string()),
        ("regime_label", pa.string()), ("tau", pa.int64()), ("seed", pa.int64()),
        ("latent_dim", pa.int64()), ("epochs", pa.int64()), ("sequence_length", pa.int64()),
        ("batch_size", pa.int64()), ("batches_per_epoch", pa.int64()), ("learning_rate", pa.float64()),
        ("evaluation_steps", pa.int64()),
        ("status", pa.string()), ("failure", pa.string()), ("reason", pa.string()),
        ("diverged_epoch", pa.int64()), ("unbounded_step", pa.int64()), ("pruned_epoch", pa.int64()),
        ("final_loss", pa.float64()),
        ("d_stsp", pa.float64()), ("d_h", pa.float64()), ("psc", pa.float64()),
        ("outside_share", pa.float64()),
        ("floor_d_stsp", pa.float64()), ("ceiling_d_stsp", pa.float64()),
        ("floor_d_stsp_published", pa.float64()), ("ceiling_d_stsp_published", pa.float64()),
        ("floor_d_h", pa.float64()), ("floor_psc", pa.float64()),
        ("floor_d_h_published", pa.float64()), ("floor_psc_published", pa.float64()),
        ("d_stsp_published", pa.float64()), ("d_h_published", pa.float64()), ("psc_published", pa.float64()),
        ("d_stsp_gtf", pa.float64()), ("d_h_gtf", pa.float64()), ("sliced_wasserstein", pa.float64()),
        ("correlation_dimension", pa.float64()), ("prediction_error", pa.float64()),
        ("prediction_error_published", pa.float64()), ("prediction_error_gtf", pa.float64()),
        ("valid_prediction_time", pa.float64()),
        ("dynamics", pa.string()), ("dynamics_period", pa.int64()), ("net_lambda_max", pa.float64()),
        ("net_lambda_max_se", pa.float64()), ("net_spectrum", pa.list_(pa.float64())),
        ("dynamics_evidence", pa.string()),
        ("measure_definitions", pa.string()), ("system_hash", pa.string()),
        ("parameters_digest", pa.string()),
        ("stack_id", pa.string()), ("stack_size", pa.int64()), ("device", pa.string()),
        ("host", pa.string()), ("threads", pa.int64()),
        ("started_at", pa.timestamp("us")), ("finished_at", pa.timestamp("us")),
        ("train_seconds", pa.float64()), ("evaluate_seconds", pa.float64()),
        ("epochs_per_second", pa.float64()), ("peak_memory_mib", pa.float64()), ("resumed", pa.int64()),
        ("anew", pa.bool_()),
        ("code_version", pa.string()), ("code_fingerprint", pa.string()), ("code_commit", pa.string()),
        ("code_dirty", pa.bool_()), ("code_changes", pa.string()), ("packages", pa.string()),
        ("curves", pa.list_(pa.struct(
            [("epoch", pa.int64()), ("quantity", pa.string()), ("value", pa.float64())]
        ))),
        ("gradients", pa.list_(pa.struct([
            ("epoch", pa.int64()), ("quantity", pa.string()), ("lag", pa.int64()), ("value", pa.float64())
        ]))),
    ]
)  # fmt: skip

STUDIES = pa.schema(
    [
        ("study", pa.string()), ("definition_id", pa.string()), ("description", pa.string()),
        ("declaration", pa.string()), ("source", pa.string()),
        ("recorded_at", pa.timestamp("us")), ("trial_ids", pa.list_(pa.string())),
    ]
)  # fmt: skip

SYSTEMS = pa.schema(
    [
        ("system", pa.string()), ("content_hash", pa.string()), ("dimension", pa.int64()),
        ("variables", pa.string()), ("dt", pa.float64()), ("n_points", pa.int64()),
        ("lambda_max", pa.float64()), ("lambda_max_se", pa.float64()),
        ("spectrum", pa.list_(pa.float64())), ("tau_pred", pa.float64()),
        ("standardisation", pa.string()), ("parameters", pa.string()), ("source", pa.string()),
        ("floors", pa.string()), ("ceilings", pa.string()),
        ("recorded_at", pa.timestamp("us")), ("lambda_from", pa.string()),
    ]
)  # fmt: skip

KINDS = {"trials": TRIALS, "studies": STUDIES, "systems": SYSTEMS}


def write(journal: Path, kind: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Append one file of rows; it is on disk, whole, when this returns.

    Args:
        kind: a key of `KINDS`.
        name: unique within the kind; a file of that name is replaced by the same content.

    Raises:
        OSError: the disk is full or the folder cannot be written; no partial file is left behind.
        ValueError: a row has a key that the schema does not know.
    """
    unknown = {key for row in rows for key in row} - set(KINDS[kind].names)
    if unknown:
        raise ValueError(f"the journal has no column {', '.join(sorted(unknown))} in {kind}")
    return write_table(journal, kind, name, pa.Table.from_pylist([dict(row) for row in rows], KINDS[kind]))


def write_table(journal: Path, kind: str, name: str, table: pa.Table) -> Path:
    """Append one file of rows that are a table already; columns that an older version lacked are empty.

    Raises:
        OSError: the disk is full or the folder cannot be written; no partial file is left behind.
    """
    schema = KINDS[kind].with_metadata({"orch_schema_version": json.dumps(SCHEMA_VERSION)})
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    whole = pa.Table.from_arrays(columns, schema=schema)
    target = journal / kind / f"{name}.parquet"
    durable.write(target, lambda file: pq.write_table(whole, file, compression="zstd"))
    return target


def files(journal: Path, kind: str) -> list[Path]:
    """The finished files of a kind, by name."""
    return sorted((journal / kind).glob("*.parquet"))
