-- The results database: an index of the journal, made from it and rebuilt from it at any time.
-- Times are UTC. One wide typed row per trial; a long table for curves; append-only, no secondary indexes.

CREATE TABLE IF NOT EXISTS meta (key VARCHAR, value VARCHAR);

-- Journal files that are in the database.
CREATE TABLE IF NOT EXISTS ingested (file VARCHAR, kind VARCHAR, ingested_at TIMESTAMP);

CREATE TABLE IF NOT EXISTS trials (
    trial_id VARCHAR, cell_id VARCHAR, context_id VARCHAR, context VARCHAR, config JSON,
    system VARCHAR, architecture VARCHAR, regime VARCHAR, regime_label VARCHAR, tau BIGINT, seed BIGINT,
    latent_dim BIGINT, epochs BIGINT, sequence_length BIGINT, batch_size BIGINT, batches_per_epoch BIGINT,
    learning_rate DOUBLE, evaluation_steps BIGINT,
    status VARCHAR,            -- ok | diverged (in training) | unbounded (free run) | failed | pruned (by a search)
    failure VARCHAR,           -- of a failed one: bug | out_of_memory | worker_lost
    reason VARCHAR,            -- in words; the traceback of a bug
    diverged_epoch BIGINT, unbounded_step BIGINT,
    pruned_epoch BIGINT,       -- where a search gave its τ up; the trial's measures are missing, its curves end there
    final_loss DOUBLE,
    d_stsp DOUBLE, d_h DOUBLE, psc DOUBLE, outside_share DOUBLE,
    -- For free runs of this trial's length: what a perfect model scores, and the worst there is.
    floor_d_stsp DOUBLE, ceiling_d_stsp DOUBLE, floor_d_stsp_published DOUBLE, ceiling_d_stsp_published DOUBLE,
    -- ∞ where spectra of that length are too short to be measured; NULL of trials before schema 7.
    floor_d_h DOUBLE, floor_psc DOUBLE, floor_d_h_published DOUBLE, floor_psc_published DOUBLE,
    d_stsp_published DOUBLE, d_h_published DOUBLE, psc_published DOUBLE,
    d_stsp_gtf DOUBLE, d_h_gtf DOUBLE, sliced_wasserstein DOUBLE, correlation_dimension DOUBLE,
    -- Mean squared error 20 steps ahead (25 in `published`); time until forecasts fail, in Lyapunov times.
    prediction_error DOUBLE, prediction_error_published DOUBLE, prediction_error_gtf DOUBLE,
    valid_prediction_time DOUBLE,
    -- Of the free run: fixed_point | cycle | quasi_periodic | chaotic | unbounded, by the evidence beside it.
    dynamics VARCHAR, dynamics_period BIGINT,
    net_lambda_max DOUBLE, net_lambda_max_se DOUBLE, -- per time unit of the system, as are those below
    net_spectrum DOUBLE[],     -- the largest exponents of the network that runs freely
    dynamics_evidence JSON,
    measure_definitions JSON, system_hash VARCHAR,
    parameters_digest VARCHAR, -- SHA-256 of the network that is kept in models/
    stack_id VARCHAR, stack_size BIGINT, device VARCHAR, host VARCHAR, threads BIGINT,
    started_at TIMESTAMP, finished_at TIMESTAMP, train_seconds DOUBLE, evaluate_seconds DOUBLE,
    epochs_per_second DOUBLE,  -- of the whole stack
    peak_memory_mib DOUBLE,    -- of the worker's process, or of the GPU where one was used
    resumed BIGINT,            -- how often the stack was killed and went on from a checkpoint
    code_version VARCHAR,
    code_fingerprint VARCHAR,  -- what the code says: shared-system-architecture-regime
    code_commit VARCHAR, code_dirty BOOLEAN,
    code_changes VARCHAR,      -- hash of what the tree changed in that commit
    packages JSON
);

-- The course of training: loss, gradient_norm and the measures at each evaluation.
CREATE TABLE IF NOT EXISTS curves (trial_id VARCHAR, epoch BIGINT, quantity VARCHAR, value DOUBLE);

-- How far gradients reach, at each evaluation: ln of ‖∂z_{t+lag}/∂z_t‖ and of ‖∂L_lag/∂θ‖, from the data without
-- any forcing (`…_free`), as the network was trained (`…_trained`) and the same by the plain loop (`…_plain`), and
-- along the free run (`…_run`), there also of the single steps; −inf where a forcing makes it exactly 0.
CREATE TABLE IF NOT EXISTS gradients (
    trial_id VARCHAR, epoch BIGINT, quantity VARCHAR, lag BIGINT, value DOUBLE
);

CREATE TABLE IF NOT EXISTS studies (
    study VARCHAR, definition_id VARCHAR, description VARCHAR, declaration JSON, source VARCHAR,
    recorded_at TIMESTAMP
);

-- One trial can belong to many studies.
CREATE TABLE IF NOT EXISTS study_trials (study VARCHAR, trial_id VARCHAR);

CREATE TABLE IF NOT EXISTS systems (
    system VARCHAR, content_hash VARCHAR, dimension BIGINT, variables VARCHAR, dt DOUBLE, n_points BIGINT,
    lambda_max DOUBLE, lambda_max_se DOUBLE, spectrum DOUBLE[], tau_pred DOUBLE,
    standardisation VARCHAR, parameters JSON, source VARCHAR,
    floors JSON, ceilings JSON, recorded_at TIMESTAMP,
    lambda_from VARCHAR        -- equations | data | noise: from data, and noise of their spectrum gives it too
);

-- What a row lacks to be the last word on its trial: 0 nothing, 1 the end of the training, 2 everything.
CREATE OR REPLACE MACRO lacks(status) AS CASE status WHEN 'failed' THEN 2 WHEN 'pruned' THEN 1 ELSE 0 END;

-- NaN is no number to take a mean over: it becomes NULL, which is counted apart.
CREATE OR REPLACE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- D_H or PSC as a score: what blew up has the worst there is, and so has what ran and has no spectrum, as it stands
-- still; none has one where no run of that length has a spectrum.
CREATE OR REPLACE MACRO spectral(status, x, lowest, worst) AS CASE
    WHEN isinf(lowest) THEN NULL
    WHEN status IN ('diverged', 'unbounded') OR status = 'ok' AND NOT coalesce(isfinite(x), false) THEN worst
    ELSE finite(x) END;

-- Kaplan-Yorke dimension of a spectrum that falls: k + (λ_1 + … + λ_k) / |λ_{k+1}|, k the last with a sum that
-- is not negative. NULL where the spectrum is too short for it, or has a value that is not finite up to there.
CREATE OR REPLACE MACRO kaplan_yorke(s) AS (
    SELECT CASE WHEN len(v) = 0 THEN NULL WHEN k = 0 THEN 0.0 WHEN k < len(v) THEN finite(k + list_sum(v[1:k]) / -v[k + 1]) END
    FROM (SELECT v, len(list_filter(range(1, len(v) + 1), lambda i: list_sum(v[1:i]) >= 0)) AS k
          FROM (SELECT CAST(s AS DOUBLE[]) AS v))
);

-- Trials, but for those that a search gave up early, beside what their system is worth knowing by. A seed that blew up scores the ceiling of
-- D_stsp (`..._score`), so that no mean is one over survivors alone; a failed one scores nothing.
CREATE OR REPLACE VIEW results AS
SELECT
    t.*,
    finite(CASE WHEN t.status IN ('diverged', 'unbounded') THEN t.ceiling_d_stsp ELSE t.d_stsp END)
        AS d_stsp_score,
    finite(CASE WHEN t.status IN ('diverged', 'unbounded') THEN t.ceiling_d_stsp_published
                WHEN t.status = 'ok' THEN coalesce(finite(t.d_stsp_published), t.ceiling_d_stsp_published)
           END) AS d_stsp_published_score,
    kaplan_yorke(t.net_spectrum) AS net_kaplan_yorke,
    s.tau_pred, s.lambda_max, s.lambda_max_se, s.lambda_from, s.spectrum, s.dt,
    kaplan_yorke(s.spectrum) AS kaplan_yorke
FROM trials AS t
LEFT JOIN systems AS s ON s.content_hash = t.system_hash
WHERE t.status IS DISTINCT FROM 'pruned';

-- Trials that a search gave up early, with their D_stsp as it was then (the ceiling where the run was unbounded).
CREATE OR REPLACE VIEW pruned AS
SELECT t.*, coalesce(finite(c.value), t.ceiling_d_stsp) AS d_stsp_score
FROM trials AS t
LEFT JOIN curves AS c ON c.trial_id = t.trial_id AND c.epoch = t.pruned_epoch AND c.quantity = 'd_stsp'
WHERE t.status = 'pruned';

-- One row per cell: how many seeds, what became of them, and the geometric mean of D_stsp over seeds
-- with blown-up ones at the ceiling. Where `pruned` is not 0, a search gave further seeds up early, and the numbers
-- are of those alone that were not: the luckier ones.
CREATE OR REPLACE VIEW cells AS
SELECT
    cell_id, any_value(context_id) AS context_id, any_value(context) AS context,
    any_value(system) AS system, any_value(architecture) AS architecture,
    any_value(regime) AS regime, any_value(regime_label) AS regime_label, any_value(tau) AS tau,
    count(*) AS seeds,
    count(*) FILTER (status = 'ok') AS ok,
    count(*) FILTER (status = 'diverged') AS diverged,
    count(*) FILTER (status = 'unbounded') AS unbounded,
    count(*) FILTER (status = 'failed') AS failed,
    (SELECT count(*) FROM pruned WHERE pruned.cell_id = results.cell_id) AS pruned, -- not among `seeds`
    count(d_stsp_score) AS scored, -- seeds that the numbers below are over
    exp(avg(ln(greatest(d_stsp_score, 1e-6))) FILTER (d_stsp_score IS NOT NULL)) AS d_stsp_geomean,
    median(d_stsp_score) AS d_stsp_median,
    min(d_stsp_score) AS d_stsp_min,
    max(d_stsp_score) AS d_stsp_max,
    median(spectral(status, d_h, floor_d_h, 1)) AS d_h_median,
    median(spectral(status, psc, floor_psc, -1)) AS psc_median,
    median(finite(net_lambda_max)) AS net_lambda_max_median, -- of those that ran; beside the system's lambda_max
    count(*) FILTER (dynamics = 'chaotic') AS chaotic,
    any_value(floor_d_stsp) AS floor_d_stsp,
    any_value(ceiling_d_stsp) AS ceiling_d_stsp,
    any_value(tau_pred) AS tau_pred,
    any_value(lambda_max) AS lambda_max
FROM results
GROUP BY cell_id;
