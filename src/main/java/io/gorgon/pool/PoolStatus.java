package io.gorgon.pool;

/** What a pool is doing. */
public enum PoolStatus {
  /** Its first worker is not ready yet. */
  STARTING,
  /** It serves. */
  RUNNING,
  /** No worker can serve; calls are refused until one can. */
  BROKEN,
  /** It finishes what runs and takes nothing new. */
  DRAINING,
  /** It has stopped. */
  STOPPED
}
