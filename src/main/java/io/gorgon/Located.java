package io.gorgon;

import io.gorgon.pool.PoolStatus;

/**
 * This is the Python service that was found.
 *
 * @param kind what it is
 * @param status whether it is starting, running or on its way out
 * @param by how it was found
 * @param pool the service itself
 */
public record Located(Kind kind, PoolStatus status, By by, PythonPool pool) {

  /** What a service is. */
  public enum Kind {
    /** Several workers and a waiting line. */
    POOL,
    /** One worker and no line. */
    BRIDGE
  }

  /** How it was found. */
  public enum By {
    /** It was started through {@link PythonPools} of this system. */
    REFERENCE,
    /** It registered with the receptionist. */
    REGISTRY
  }

  static Located of(PythonPool pool, By by) {
    return new Located(pool.settings().bridge() ? Kind.BRIDGE : Kind.POOL, pool.status(), by, pool);
  }
}
