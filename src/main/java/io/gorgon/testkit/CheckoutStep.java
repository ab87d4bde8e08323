package io.gorgon.testkit;

import io.gorgon.pool.CheckoutKind;
import java.time.Duration;
import java.util.Optional;

/**
 * A worker is checked out. Immutable; each method gives a changed copy.
 *
 * @param name what the scenario calls it
 * @param owner the owner whose death ends it
 * @param manner how its asker behaves
 * @param kind what for
 * @param timeout how long it waits; the pool's own limit if empty
 */
public record CheckoutStep(
    String name,
    Optional<String> owner,
    Manner manner,
    CheckoutKind kind,
    Optional<Duration> timeout)
    implements Step {

  /** How the asker behaves. */
  public enum Manner {
    /** It takes what it is given, and holds it. */
    HOLDS,
    /** It never acknowledges: the grant is lost. */
    NEVER_ACKNOWLEDGES,
    /** It dies as soon as it has asked. */
    DIES
  }

  /** Names it, for what follows. */
  public CheckoutStep as(String other) {
    return new CheckoutStep(other, owner, manner, kind, timeout);
  }

  /** Lets it end with that owner. */
  public CheckoutStep ownedBy(String other) {
    return new CheckoutStep(name, Optional.of(other), manner, kind, timeout);
  }

  /** Checks out the worker of a session. */
  public CheckoutStep ofSession(String key) {
    return new CheckoutStep(
        name, owner, manner, CheckoutKind.session(key, CheckoutKind.Affinity.PREFER), timeout);
  }

  /** Limits how long it waits. */
  public CheckoutStep within(Duration limit) {
    return new CheckoutStep(name, owner, manner, kind, Optional.of(limit));
  }

  /** Loses the grant: nobody acknowledges it. */
  public CheckoutStep neverAcknowledged() {
    return new CheckoutStep(name, owner, Manner.NEVER_ACKNOWLEDGES, kind, timeout);
  }

  /** Lets the asker die before the answer can reach it. */
  public CheckoutStep whoseAskerDies() {
    return new CheckoutStep(name, owner, Manner.DIES, kind, timeout);
  }

  @Override
  public void play(Play play) {
    play.checkOut(this);
  }

  @Override
  public String toString() {
    return "a worker is checked out as '"
        + name
        + "'"
        + owner.map(of -> " by owner '" + of + "'").orElse("")
        + switch (manner) {
          case HOLDS -> "";
          case NEVER_ACKNOWLEDGES -> ", which is never acknowledged";
          case DIES -> ", by an asker who dies";
        };
  }
}
