"""Writes rows like those of bench/catalog.ts with Python's sqlite3, and answers with the seconds that the database took."""

import hashlib
import json
import os
import random
import sqlite3
import sys
import tempfile
import time

WORDS = "a the dog cat man woman red blue green runs sits over under on grass water street with ball hat".split()
BATCH = 256
SCHEMA = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
CREATE TABLE images (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, hash BLOB NOT NULL UNIQUE, bytes INTEGER,
  width INTEGER, height INTEGER, format TEXT, added INTEGER);
CREATE TABLE places (path TEXT PRIMARY KEY, image INTEGER NOT NULL, modified INTEGER) WITHOUT ROWID;
CREATE INDEX places_of_image ON places (image);
CREATE TABLE captions (id INTEGER PRIMARY KEY, image INTEGER NOT NULL, kind TEXT, text TEXT, words INTEGER, author TEXT,
  job INTEGER, written INTEGER, state INTEGER);
CREATE INDEX captions_of_image ON captions (image);
CREATE INDEX captions_of_job ON captions (job, state);
CREATE INDEX current_captions ON captions (kind, words, image) WHERE state = 0;
"""


def text(least, most):
    return " ".join(random.choice(WORDS) for _ in range(random.randint(least, most)))


def seconds(images):
    random.seed(1)
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(os.path.join(folder, "catalog.db"), isolation_level=None)
        db.executescript(SCHEMA)
        for start in range(0, images, BATCH):
            rows, places, captions = [], [], []
            for i in range(start, min(images, start + BATCH)):
                key = f"{i >> 10:04}/{i:09}"
                digest = hashlib.sha256(key.encode()).digest()
                rows.append((i + 1, key, digest, random.randrange(200000), 640, 480, "jpeg", 0))
                places.append((f"/photos/{key}.jpg", i + 1, i))
                for kind, words in [("alt", text(1, 12))] + ([("descriptive", text(20, 60))] if i % 2 == 0 else []):
                    captions.append((i + 1, kind, words, words.count(" ") + 1, "file", 1, 0, 0))
            started = time.perf_counter()
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            db.executemany("INSERT INTO places VALUES (?, ?, ?)", places)
            db.executemany(
                "INSERT INTO captions (image, kind, text, words, author, job, written, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                captions,
            )
            db.execute("COMMIT")
            total += time.perf_counter() - started
        db.close()
    return total


sizes = json.loads(sys.stdin.readline())
for _ in sys.stdin:
    print(json.dumps(seconds(sizes["images"])), flush=True)
