package io.gorgon.worker;

import java.time.Duration;

/**
 * These are the times and limits of one worker's life.
 *
 * @param startTimeout from the start of the process to its readiness
 * @param cancelGrace how long a cancelled call may take to notice by itself
 * @param interruptGrace how long it may take after it was interrupted, before it is killed
 * @param stopGrace how long an idle worker may take to exit when asked, and again when terminated
 * @param pingTimeout how long an idle worker may take to answer a ping
 * @param maxCalls calls after which an incarnation is replaced; 0 for never
 * @param callsJitter part of {@code maxCalls} by which incarnations differ at most, 0 to 1
 * @param concurrency calls that one process runs at once
 */
public record WorkerSettings(
    Duration startTimeout,
    Duration cancelGrace,
    Duration interruptGrace,
    Duration stopGrace,
    Duration pingTimeout,
    int maxCalls,
    double callsJitter,
    int concurrency) {}
