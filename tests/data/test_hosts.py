"""Two real processes on this machine see the batches that one would, each its own rows only."""

import socket
import subprocess
import sys

import command_line

SCRIPT = """
import sys
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 2)
jax.distributed.initialize(f"localhost:{sys.argv[1]}", num_processes=2, process_id=int(sys.argv[2]))
import numpy as np
from gan_jax.runtime import parallel
from gan_jax.data.batches import batches, row_order
from gan_jax.data.source import of_images

read_rows = []
def read(rows):
    read_rows.extend(rows)
    return {"real": np.asarray(rows, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)}

source = of_images("rows", 50, (2, 2, 1), (), read)
mesh = parallel.mesh(8)
assert len(mesh.devices) == 4 and jax.process_count() == 2
for resident_bytes in (0, 10**6):
    read_rows.clear()
    decode = source.modality.decode
    fed = batches(source, 8, 3, 5, mesh, lambda key, rows: decode(rows), resident_bytes=resident_bytes)
    for step, part in enumerate(fed.feed(4, 7), 4):
        rows = row_order(50, 24, 5)(step).reshape(3, 8)
        for shard in jax.tree.leaves(part)[0].addressable_shards:
            rows_here = np.asarray(shard.data)
            expected = rows[None][shard.index[:3]]
            np.testing.assert_array_equal(rows_here if rows_here.ndim == 3 else rows_here[..., 0, 0, 0], expected)
    # Streaming reads half of every batch here; the other half is the other process's.
    assert len(read_rows) == (50 if resident_bytes else 3 * 24 // 2), len(read_rows)
    parts = (source, source._replace(size=20, spec={"source": source.spec["real"]},
                                     read=lambda rows: {"source": read(rows)["real"]}))
    joint = source._replace(parts=parts)
    fed = batches(joint, 8, 3, 5, mesh, lambda key, rows: rows, resident_bytes=resident_bytes)
    for step, each in enumerate(fed.feed(4, 6), 4):
        for fed_part, seed, size in zip(each, [(5,), (5, 1)], [50, 20]):
            rows = row_order(size, 24, *seed)(step).reshape(3, 8)
            for shard in jax.tree.leaves(fed_part)[0].addressable_shards:
                rows_here = np.asarray(shard.data)
                rows_here = rows_here if rows_here.ndim == 3 else rows_here[..., 0, 0, 0]
                np.testing.assert_array_equal(rows_here, rows[None][shard.index[:3]])
print("every row as expected", flush=True)
jax.distributed.shutdown()
"""


def test_two_processes_read_the_batches_of_one_each_its_half():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, port, str(number)],
            cwd=command_line.ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]
    for process in processes:
        code, out, err = command_line.finish(process)
        assert code == 0 and "every row as expected" in out, err
