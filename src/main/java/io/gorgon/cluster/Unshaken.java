package io.gorgon.cluster;

import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** These are actors that one message of another node, of whatever version, cannot bring down. */
final class Unshaken {

  private Unshaken() {}

  /** The same actor; a message that it fails on is logged and passed over. */
  static <T> Behavior<T> of(Behavior<T> actor) {
    return Behaviors.supervise(actor)
        .onFailure(RuntimeException.class, SupervisorStrategy.resume());
  }
}
