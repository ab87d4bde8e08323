package io.gorgon.cluster;

import io.gorgon.message.ClusterMessage;
import io.gorgon.pool.PoolStatus;

/**
 * This is how much a node that runs a pool has to do, as it tells those who send it calls.
 *
 * @param status what its pool is doing
 * @param ready workers that serve
 * @param rooms calls that it wants in its hands at a time
 * @param others calls in its hands that came from others than the one who is told
 */
record Load(PoolStatus status, int ready, int rooms, int others) implements ClusterMessage {

  /** Whether it takes calls, or will when its first worker is ready. */
  boolean takes() {
    return status == PoolStatus.RUNNING || status == PoolStatus.STARTING;
  }
}
