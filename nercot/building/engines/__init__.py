"""Engines: where the record stages of partitions run.  The stages, their keys, files and bytes are the same in all.

    job.py         what a worker is given, and how it runs one partition
    desk.py        who runs which partition, who died, how far each is
    processes.py   worker processes on this machine (`--workers N`)
    line.py        calls between these
    ray.py         tasks on a Ray cluster (`--engine ray`)
    start.py       which of them runs a build
    mirror.py      a work folder in object storage, and the local copy that is worked in

An engine starts "the rounds of partition p" and nothing else.  What every worker needs of the others it gets from one
owner (llm/owner.py): answers that are on disk, and shares of the limits.  Without workers nothing here is used.
"""
