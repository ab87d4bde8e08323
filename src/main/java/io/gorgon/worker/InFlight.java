package io.gorgon.worker;

/**
 * This is a request that has been written to a worker and not been answered.
 *
 * @param request its id on this connection
 * @param leased whether it belongs to the worker's lease, else to the lane
 */
record InFlight(long request, PendingCall call, boolean leased) {}
