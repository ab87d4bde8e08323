package io.gorgon.cluster;

import org.apache.pekko.actor.typed.ActorRef;
import org.slf4j.Logger;

/**
 * This is the version of what nodes say to each other about pools. Parts that a message lacks are
 * empty, and those that are not known are passed over, so nodes of two versions work together as
 * long as the newer one still understands the older: it is the newer one that decides.
 */
final class Protocol {

  /** What this node speaks; a node that names none speaks 0. */
  static final int VERSION = 1;

  /** The oldest version that this node understands. */
  static final int OLDEST = 1;

  private Protocol() {}

  /** Whether this node can work with one that speaks that version; says so if not. */
  static boolean understands(int version, ActorRef<?> speaker, Logger log) {
    if (version >= OLDEST) {
      return true;
    }
    log.warn(
        "{} speaks version {} of what nodes say about pools, and this node needs {} or later: the two"
            + " exchange no calls; upgrade the older one",
        speaker.path().address(),
        version,
        OLDEST);
    return false;
  }
}
