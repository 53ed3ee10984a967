"""Run by test_traffic: one process that writes, or reads, as fast as it can until a given time.

    python traffic.py write|read RESULTS NAME UNTIL

A writer does what a study does: journal a stack, take it into the database. It prints the rows it wrote.
A reader counts trials and curves again and again; what it sees may never shrink or be half there. It
prints how often it read, and how often the journal answered.
"""

import sys
import time
from collections import Counter
from pathlib import Path

from orchestrator import journal
from orchestrator.store import NoResultsError, Store

what, results, name, until = sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
store = Store(results)
curves = [{"epoch": 1, "quantity": "loss", "value": 0.5}]

if what == "write":
    written = 0
    while time.time() < until or not written:
        rows = [{"trial_id": f"{name}-{written + i}", "status": "ok", "curves": curves} for i in range(5)]
        journal.write(store.journal, "trials", f"{name}-{written}", rows)
        written += len(rows)
        store.ingest()
        time.sleep(0.05)
    print(written)
else:
    last = 0
    answers: Counter[str] = Counter()
    while time.time() < until or not answers:
        try:
            with store.reading() as (connection, source):
                query = "SELECT (SELECT count(*) FROM trials), (SELECT count(*) FROM curves)"
                trials, points = connection.execute(query).fetchone()
        except NoResultsError:
            continue
        assert trials == points and trials % 5 == 0, (trials, points)
        assert trials >= last, (trials, last)
        last = trials
        answers[source.what] += 1
    print(answers.total(), answers["journal"])
