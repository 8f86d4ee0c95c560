"""Rewards of text-to-SQL as trainers compute them in Python: for every sample a connection of its own, both queries run,
and the two sets of rows compared; serially, by 16 threads, and by a pool of one process a core.

`usual`: as published trainers write it, each query in a thread of its own that is given up at the timeout, inside a
transaction that is rolled back (SkyRL-SQL, BIRD and SQL-R1 do so by func_timeout). `lean`: the same without the threads,
the timeout kept by SQLite's own progress handler, read-only connections. Neither prints nor logs.
"""

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

from stdio import serve

TIMEOUT_S = 30.0


def lean_rows(database, sql):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        return frozenset(connection.execute(sql).fetchall())
    except (sqlite3.Error, sqlite3.Warning):
        return None
    finally:
        connection.close()


def execute(database, sql):
    connection = sqlite3.connect(database)
    try:
        cursor = connection.cursor()
        connection.execute("BEGIN TRANSACTION;")
        cursor.execute(sql)
        return frozenset(cursor.fetchall())
    except (sqlite3.Error, sqlite3.Warning):
        return None
    finally:
        connection.rollback()
        connection.close()


def usual_rows(database, sql):
    found = []
    thread = threading.Thread(target=lambda: found.append(execute(database, sql)), daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    return found[0] if found else None


def reward(job):
    rows, database, gold, predicted = job
    predicted_rows = rows(database, predicted)
    gold_rows = rows(database, gold)
    return 1.0 if predicted_rows is not None and predicted_rows == gold_rows else 0.0


def serial(jobs):
    return [reward(job) for job in jobs]


def threads(jobs):
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(reward, jobs))


processes = None


def pool(jobs):
    # Workers live on between steps, and take jobs in batches.
    return processes.map(reward, jobs, chunksize=max(1, len(jobs) // 16))


WAYS = {"serial": serial, "16 threads": threads, "mp.Pool": pool}
STYLES = {"usual": usual_rows, "lean": lean_rows}


def measure(database, pairs, style):
    """Rewards a second of each way, and what they are."""
    global processes
    processes = processes or get_context("fork").Pool(os.cpu_count())
    jobs = [(STYLES[style], database, gold, predicted) for gold, predicted in pairs]
    speeds = {}
    for name, run in WAYS.items():
        start = time.perf_counter()
        scores = run(jobs)
        speeds[name] = len(jobs) / (time.perf_counter() - start)
    return {"speeds": speeds, "scores": scores}


serve(measure=measure)
