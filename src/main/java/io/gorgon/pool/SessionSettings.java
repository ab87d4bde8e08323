package io.gorgon.pool;

import java.time.Duration;

/**
 * These say how a pool keeps the states of its sessions.
 *
 * @param store {@code memory}, {@code durable}, or the name of a class
 * @param ttl how long a session that nobody uses is kept; zero for ever
 * @param quota sessions that may have a state; 0 for any number
 * @param maxState bytes of one session's state
 * @param sweep how often those are looked for whose time is over
 * @param idle how long a session that nobody uses stays in this JVM's memory, its state aside
 */
public record SessionSettings(
    String store, Duration ttl, int quota, long maxState, Duration sweep, Duration idle) {}
