package io.gorgon.pool;

import io.gorgon.worker.PendingCall;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.pattern.StatusReply;
import org.jspecify.annotations.Nullable;

/**
 * This is one who waits for a worker: for a lease, or for its call to be run.
 *
 * @param replyTo who gets the lease; null if it is about a call
 * @param call what is to be run; null if it is about a lease
 * @param owner whose death ends the lease
 */
record Asker(
    long request,
    @Nullable ActorRef<StatusReply<Granted>> replyTo,
    @Nullable PendingCall call,
    CheckoutKind kind,
    @Nullable ActorRef<?> owner) {}
