package io.gorgon.cluster;

import io.gorgon.pool.PoolStatus;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This is a node that runs the pool, as a node that sends it calls sees it. It is changed under the
 * {@link Router}'s lock.
 */
final class Station {

  private final ActorRef<Gate.Command> gate;
  private final @Nullable Hosted own;
  private volatile boolean reachable = true;
  private volatile @Nullable Load load;
  private int sent;

  /** {@code own}: the pool behind the gate if that is this very node, else null. */
  Station(ActorRef<Gate.Command> gate, @Nullable Hosted own) {
    this.gate = gate;
    this.own = own;
  }

  ActorRef<Gate.Command> gate() {
    return gate;
  }

  /** The pool itself, if it runs on this node: calls go there without a message. */
  @Nullable Hosted own() {
    return own;
  }

  /** The node's address, as the cluster names it. */
  String node() {
    return own == null ? gate.path().address().hostPort() : "this node";
  }

  void reachable(boolean now) {
    reachable = now;
  }

  boolean isReachable() {
    return reachable;
  }

  /** Whether it has told how much it has to do. */
  boolean isHeardOf() {
    return load != null;
  }

  void load(Load now) {
    load = now;
  }

  PoolStatus status() {
    Load told = load;
    return told == null ? PoolStatus.STARTING : told.status();
  }

  int ready() {
    Load told = load;
    return told == null ? 0 : told.ready();
  }

  /** Whether it may become able to run a call, now or later. */
  boolean isHopeful() {
    Load told = load;
    return told == null || told.takes();
  }

  /** Whether one more call is wanted there. */
  boolean hasRoom() {
    Load told = load;
    return reachable && told != null && told.takes() && sent < told.rooms();
  }

  /** How many calls there are for each worker; the least loaded gets the next. */
  double pressure() {
    Load told = load;
    if (told == null || told.ready() == 0) {
      return Double.MAX_VALUE / 2 + sent;
    }
    return (sent + told.others() + 1.0) / told.ready();
  }

  void sent() {
    sent++;
  }

  void back() {
    sent--;
  }

  /** Whether a worker may be checked out there, now or when one is free. */
  boolean lends() {
    Load told = load;
    return reachable && told != null && told.takes();
  }

  @Override
  public String toString() {
    return "Station[" + node() + ", " + load + ", sent=" + sent + "]";
  }
}
