package io.gorgon.pool;

import java.time.Duration;

/**
 * These bound how often processes are started.
 *
 * @param concurrent processes that may be starting at once
 * @param backoffMin delay after the first failed start; doubled with each further one
 * @param backoffMax longest such delay
 * @param budget crashes of one slot within {@code window} that are put up with
 * @param window how long a crash is remembered
 * @param quarantine how long a slot rests that has used up its budget
 */
public record RestartSettings(
    int concurrent,
    Duration backoffMin,
    Duration backoffMax,
    int budget,
    Duration window,
    Duration quarantine) {}
