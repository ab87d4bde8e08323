package io.gorgon.cluster;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import io.gorgon.message.ClusterMessage;
import io.gorgon.pool.PoolStatus;
import java.util.Objects;

/**
 * This is how much a node that runs a pool has to do, as it tells those who send it calls.
 *
 * @param status what its pool is doing
 * @param ready workers that serve
 * @param rooms calls that it wants in its hands at a time
 * @param others calls in its hands that came from others than the one who is told
 */
record Load(
    @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) PoolStatus status,
    int ready,
    int rooms,
    int others)
    implements ClusterMessage {

  /** Nothing is known, or nothing that this node knows: no calls are sent. */
  static final Load NONE = new Load(PoolStatus.DRAINING, 0, 0, 0);

  Load {
    status = Objects.requireNonNullElse(status, PoolStatus.DRAINING);
  }

  /** Whether it takes calls, or will when its first worker is ready. */
  boolean takes() {
    return status == PoolStatus.RUNNING || status == PoolStatus.STARTING;
  }
}
