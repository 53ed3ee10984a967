-- The results database: an index of the journal, made from it and rebuilt from it at any time.
-- One wide typed row per trial; a long table for curves; append-only, no secondary indexes.
--
-- What stands after a column is its description in the database (`schema.describe`), with its unit; lines of
-- comment alone, within the brackets, go on with it. A view's column without one has that of its namesake in
-- `trials` or `systems`. Databases that are there take over what changes here with the next schema version.

CREATE TABLE IF NOT EXISTS meta (key VARCHAR, value VARCHAR);

-- Journal files that are in the database.
CREATE TABLE IF NOT EXISTS ingested (file VARCHAR, kind VARCHAR, ingested_at TIMESTAMP);

CREATE TABLE IF NOT EXISTS trials (
    trial_id VARCHAR,             -- SHA-256 of `config`: of all that changes the result
    cell_id VARCHAR,              -- SHA-256 of `config` without the seed: replicates share it
    context_id VARCHAR,           -- SHA-256 of `config` without seed and regime: what comparisons hold fixed
    context VARCHAR,              -- settings of architecture, training and evaluation that are not the
                                  -- defaults, in words
    config JSON,                  -- all settings; those at their defaults are left out
    settings JSON,                -- all settings but the seed, those at their defaults too, by what they are
                                  -- of: settings->>'$.system.noise' is text, CAST(… AS DOUBLE) a number; {}
                                  -- where this version does not know them
    system VARCHAR,               -- name of the system: see the table `systems`
    architecture VARCHAR,         -- name of the architecture
    regime VARCHAR,               -- name of the training regime
    regime_label VARCHAR,         -- the regime with its settings: clipping(max_norm=10)
    tau BIGINT,                   -- learning interval τ, in steps; NULL where the regime has none
    seed BIGINT,                  -- seed of initial weights and minibatches, the same under every regime
    latent_dim BIGINT,            -- latent units M
    epochs BIGINT,                -- epochs of training asked for
    sequence_length BIGINT,       -- length T of a training sequence, in steps
    batch_size BIGINT,            -- sequences in a minibatch
    batches_per_epoch BIGINT,     -- minibatches in an epoch
    learning_rate DOUBLE,         -- Adam's step size
    evaluation_steps BIGINT,      -- length of the free run, in steps
    status VARCHAR,               -- ok | diverged (in training) | unbounded (free run) | failed | pruned (by
                                  -- a search)
    failure VARCHAR,              -- of a failed one: bug | out_of_memory | worker_lost
    reason VARCHAR,               -- why it is not ok, in words; the traceback of a bug
    diverged_epoch BIGINT,        -- epoch in which loss or parameters were no longer finite
    unbounded_step BIGINT,        -- step at which the free run left ±1000 SDs of the data
    pruned_epoch BIGINT,          -- epoch at which a search gave its τ up; the measures are missing, and the
                                  -- curves end there
    final_loss DOUBLE,            -- last finite loss: mean squared error one step ahead, in SDs² of the data
    d_stsp DOUBLE,                -- Kullback-Leibler divergence of where data and free run dwell, in nats
    d_h DOUBLE,                   -- Hellinger distance of the power spectra of data and free run, 0 to 1
    psc DOUBLE,                   -- correlation of the power spectra of data and free run, −1 to 1 (the best)
    outside_share DOUBLE,         -- share of the free run outside the box around the data, 0 to 1
    floor_d_stsp DOUBLE,          -- d_stsp that a perfect model has in a free run of this length, in nats
    ceiling_d_stsp DOUBLE,        -- d_stsp at its worst in a free run of this length, in nats
    floor_d_stsp_published DOUBLE, -- as floor_d_stsp, of d_stsp_published
    ceiling_d_stsp_published DOUBLE, -- as ceiling_d_stsp, of d_stsp_published
    floor_d_h DOUBLE,             -- d_h that a perfect model scores, 0 to 1; ∞ where runs of this length are
                                  -- too short for spectra; NULL of trials before schema 7
    floor_psc DOUBLE,             -- as floor_d_h, of psc, −1 to 1
    floor_d_h_published DOUBLE,   -- as floor_d_h, of d_h_published
    floor_psc_published DOUBLE,   -- as floor_d_h, of psc_published, −1 to 1
    d_stsp_published DOUBLE,      -- d_stsp as in the code of Mikhaeil et al. (2022), in nats
    d_h_published DOUBLE,         -- d_h as in the code of Mikhaeil et al. (2022), 0 to 1: even of the data
                                  -- themselves not 0
    psc_published DOUBLE,         -- psc after the code of Mikhaeil et al. (2022), −1 to 1
    d_stsp_gtf DOUBLE,            -- d_stsp as in the code of Hess et al. (2023), in nats
    d_h_gtf DOUBLE,               -- d_h as in the code of Hess et al. (2023), 0 to 1
    sliced_wasserstein DOUBLE,    -- distance of the marginals, mean over 100 directions, in SDs of the data
    correlation_dimension DOUBLE, -- D₂ of the free run; NULL without a plateau
    prediction_error DOUBLE,      -- mean squared error of forecasts 20 steps ahead, in SDs² of the data
    prediction_error_published DOUBLE, -- mean squared error of forecasts 25 steps ahead, in SDs² of the data
    prediction_error_gtf DOUBLE,  -- prediction_error as in the code of Hess et al. (2023), in SDs²
    valid_prediction_time DOUBLE, -- median time until forecasts are off by half an SD, in Lyapunov times
    dynamics VARCHAR,             -- of the free run: fixed_point | cycle | quasi_periodic | chaotic |
                                  -- unbounded
    dynamics_period BIGINT,       -- of a fixed point (1) or cycle, in steps
    net_lambda_max DOUBLE,        -- largest Lyapunov exponent of the free run, per time unit of the system
    net_lambda_max_se DOUBLE,     -- standard error of net_lambda_max, per time unit of the system
    net_spectrum DOUBLE[],        -- largest exponents of the free run, falling, per time unit of the system
    dynamics_evidence JSON,       -- what `dynamics` stands on; exponents per step
    measure_definitions JSON,     -- definitions of all measures, by preset, as they were used
    system_hash VARCHAR,          -- which data: content_hash in the table `systems`
    parameters_digest VARCHAR,    -- SHA-256 of the network that is kept in models/
    stack_id VARCHAR,             -- name of the stack: of the trials that were trained together
    stack_size BIGINT,            -- trials in the stack
    device VARCHAR,               -- what it was trained on: cpu, cuda:0
    host VARCHAR,                 -- name of the machine
    threads BIGINT,               -- threads of the stack
    started_at TIMESTAMP,         -- when the stack was begun, or gone on with, UTC
    finished_at TIMESTAMP,        -- when the stack was finished, UTC
    train_seconds DOUBLE,         -- time that training took, of the whole stack, in s
    evaluate_seconds DOUBLE,      -- time that evaluations took, of the whole stack, in s
    epochs_per_second DOUBLE,     -- epochs of the whole stack in a second of training, in 1/s
    peak_memory_mib DOUBLE,       -- most memory of the worker's process, or of the GPU where one was used, in
                                  -- MiB
    resumed BIGINT,               -- how often the stack was killed and went on from a checkpoint
    anew BOOLEAN,                 -- whether it was run to replace what other code had made (--retry-stale),
                                  -- NULL of trials before schema 9
    code_version VARCHAR,         -- version of orch
    code_fingerprint VARCHAR,     -- what the code says: shared-system-architecture-regime
    code_commit VARCHAR,          -- commit of the code, where it was run from a checkout
    code_dirty BOOLEAN,           -- whether the tree changed anything in that commit
    code_changes VARCHAR,         -- hash of what the tree changed in that commit
    packages JSON                 -- versions of what computes, and what computed training and free runs
);

-- The course of training: loss, gradient_norm and the measures at each evaluation.
CREATE TABLE IF NOT EXISTS curves (
    trial_id VARCHAR,             -- the trial
    epoch BIGINT,                 -- epochs of training by then
    quantity VARCHAR,             -- loss, gradient_norm (each the mean of the epochs since the last), or a
                                  -- column of `trials` at an evaluation
    value DOUBLE                  -- value of the quantity, in the unit of that column; of the loss SDs²
);

-- How far gradients reach, at each evaluation: ln of ‖∂z_{t+lag}/∂z_t‖ and of ‖∂L_lag/∂θ‖, from the data without
-- any forcing (`…_free`), as the network was trained (`…_trained`) and the same by the plain loop (`…_plain`), and
-- along the free run (`…_run`), there also of the single steps; −inf where a forcing makes it exactly 0.
CREATE TABLE IF NOT EXISTS gradients (
    trial_id VARCHAR,             -- the trial
    epoch BIGINT,                 -- epochs of training by then
    quantity VARCHAR,             -- ln_jacobian_run, …_free, …_trained; ln_loss_gradient_free, …_trained,
                                  -- …_plain; ln_state_gradient_plain; ln_step_product_run, ln_step_sum_run,
                                  -- ln_step_change_run
    lag BIGINT,                   -- steps from the one time to the other
    value DOUBLE                  -- natural logarithm of the norm, the mean over places; −∞ where it is 0
);

CREATE TABLE IF NOT EXISTS studies (
    study VARCHAR,                -- name of the study
    definition_id VARCHAR,        -- SHA-256 of `declaration`: another one is another row
    description VARCHAR,          -- the study's own line about itself
    declaration JSON,             -- the study's file, with what was overridden
    source VARCHAR,               -- where the file was
    recorded_at TIMESTAMP         -- when the study was first run so, UTC
);

-- One trial can belong to many studies.
CREATE TABLE IF NOT EXISTS study_trials (
    study VARCHAR,                -- name of the study
    trial_id VARCHAR              -- a trial that it asked for, or took account of
);

CREATE TABLE IF NOT EXISTS systems (
    system VARCHAR,               -- name of the system
    content_hash VARCHAR,         -- SHA-256 of all that defines the data and what they are measured by
    dimension BIGINT,             -- observed variables N
    variables VARCHAR,            -- names of the observed variables, separated by commas
    dt DOUBLE,                    -- time between two steps, in time units of the system
    n_points BIGINT,              -- length of the data, in steps
    lambda_max DOUBLE,            -- largest Lyapunov exponent of the data, per time unit of the system
    lambda_max_se DOUBLE,         -- standard error of lambda_max, of chance alone, per time unit of the
                                  -- system
    spectrum DOUBLE[],            -- Lyapunov exponents of the data, falling, per time unit of the system
    tau_pred DOUBLE,              -- ln 2 / (lambda_max dt), the τ that theory predicts, in steps; NaN without
                                  -- chaos
    standardisation VARCHAR,      -- per_dimension | global: mean 0 and SD 1 of each variable, or of all
    parameters JSON,              -- parameters of the equations
    source VARCHAR,               -- where equations, parameters or recording come from
    floors JSON,                  -- what a perfect model scores at the length of the data, by preset and
                                  -- measure
    ceilings JSON,                -- the worst score there is at the length of the data, by preset and measure
    recorded_at TIMESTAMP,        -- when the system was first used, UTC
    lambda_from VARCHAR           -- equations | data | noise: from data, and noise of their spectrum gives it
                                  -- too
);

-- What a row lacks to be the last word on its trial: 0 nothing, 1 the end of the training, 2 everything.
CREATE OR REPLACE MACRO lacks(status) AS CASE status WHEN 'failed' THEN 2 WHEN 'pruned' THEN 1 ELSE 0 END;

-- A trial has one row, that of the lowest rank: the one that lacks least, then one that was run to replace the row of
-- other code. Of two such runs the last to finish counts, as of what failed or was given up; of others the first, as a
-- number that was read should stay.
CREATE OR REPLACE MACRO rank_of(status, anew, finished_at) AS [
    lacks(status),
    CASE WHEN anew THEN 0 ELSE 1 END,
    CASE WHEN anew OR lacks(status) > 0 THEN -1 ELSE 1 END * coalesce(epoch_us(finished_at), 0)
];

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

-- Trials, but for those that a search gave up early, beside what their system is worth knowing by. A seed that blew
-- up scores the ceiling of D_stsp (`..._score`), so that no mean is one over survivors alone; a failed one scores
-- nothing.
CREATE OR REPLACE VIEW results AS
SELECT
    t.*,
    finite(CASE WHEN t.status IN ('diverged', 'unbounded') THEN t.ceiling_d_stsp ELSE t.d_stsp END)
        AS d_stsp_score,               -- d_stsp, the ceiling where the seed blew up, in nats
    finite(CASE WHEN t.status IN ('diverged', 'unbounded') THEN t.ceiling_d_stsp_published
                WHEN t.status = 'ok' THEN coalesce(finite(t.d_stsp_published), t.ceiling_d_stsp_published)
           END) AS d_stsp_published_score, -- d_stsp_published likewise, in nats
    kaplan_yorke(t.net_spectrum)
        AS net_kaplan_yorke,           -- Kaplan-Yorke dimension of the free run
    s.tau_pred, s.lambda_max, s.lambda_max_se, s.lambda_from, s.spectrum, s.dt,
    kaplan_yorke(s.spectrum)
        AS kaplan_yorke                -- Kaplan-Yorke dimension of the data
FROM trials AS t
LEFT JOIN systems AS s ON s.content_hash = t.system_hash
WHERE t.status IS DISTINCT FROM 'pruned';

-- Trials that a search gave up early, with their D_stsp as it was then (the ceiling where the run was unbounded).
CREATE OR REPLACE VIEW pruned AS
SELECT
    t.*,
    coalesce(finite(c.value), t.ceiling_d_stsp)
        AS d_stsp_score                -- d_stsp at pruned_epoch, the ceiling of an unbounded run, in nats
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
    any_value(settings) AS settings, any_value(latent_dim) AS latent_dim, any_value(epochs) AS epochs,
    any_value(sequence_length) AS sequence_length, any_value(learning_rate) AS learning_rate,
    count(*) AS seeds,                 -- seeds with a row, but for those that a search gave up early
    count(*) FILTER (status = 'ok') AS ok,                 -- seeds that were trained and ran to the end
    count(*) FILTER (status = 'diverged') AS diverged,     -- seeds that diverged in training
    count(*) FILTER (status = 'unbounded') AS unbounded,   -- seeds whose free run left every bound
    count(*) FILTER (status = 'failed') AS failed,         -- seeds without a result
    (SELECT count(*) FROM pruned WHERE pruned.cell_id = results.cell_id)
        AS pruned,                     -- seeds that a search gave up early; not among `seeds`
    count(d_stsp_score) AS scored,     -- seeds that the numbers of D_stsp are over
    exp(avg(ln(greatest(d_stsp_score, 1e-6))) FILTER (d_stsp_score IS NOT NULL))
        AS d_stsp_geomean,             -- geometric mean of d_stsp_score over seeds, in nats
    median(d_stsp_score) AS d_stsp_median, -- median of d_stsp_score over seeds, in nats
    min(d_stsp_score) AS d_stsp_min,   -- least d_stsp_score, in nats
    max(d_stsp_score) AS d_stsp_max,   -- greatest d_stsp_score, in nats
    median(spectral(status, d_h, floor_d_h, 1))
        AS d_h_median,                 -- median of d_h over seeds, 0 to 1: 1 of what blew up or stood still
    median(spectral(status, psc, floor_psc, -1))
        AS psc_median,                 -- median of psc over seeds, −1 to 1: −1 of what blew up or stood still
    median(finite(net_lambda_max))
        AS net_lambda_max_median,      -- median of net_lambda_max over seeds, per time unit of the system
    count(*) FILTER (dynamics = 'chaotic') AS chaotic, -- seeds whose network is chaotic
    any_value(floor_d_stsp) AS floor_d_stsp,
    any_value(ceiling_d_stsp) AS ceiling_d_stsp,
    any_value(tau_pred) AS tau_pred,
    any_value(lambda_max) AS lambda_max
FROM results
GROUP BY cell_id;
