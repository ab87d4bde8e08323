package io.gorgon.pool;

/**
 * This is how far a pool has counted. A pool that failed and begins anew goes on from there, so
 * that no lease, worker or request of its former life can be taken for one of the next.
 *
 * @param lineages worker actors
 * @param leases leases
 * @param generation the highest incarnation of any slot
 * @param requests checkouts and session calls
 */
record Numbers(long lineages, long leases, long generation, long requests) {

  /** Nothing has been counted yet. */
  static final Numbers NONE = new Numbers(0, 0, 0, 0);
}
