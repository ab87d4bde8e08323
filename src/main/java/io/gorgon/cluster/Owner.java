package io.gorgon.cluster;

import org.apache.pekko.actor.typed.ActorRef;

/**
 * This is who has a session now: one life of its entity, which tells when it ends. Whatever is sent
 * to it is taken in by it, or by nobody.
 *
 * @param entity the session
 * @param gate of its node
 */
record Owner(ActorRef<SessionEntity.Command> entity, ActorRef<Gate.Command> gate) {}
