package io.gorgon.cluster;

import io.gorgon.wire.Frame;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * This is a {@link Visit} as the caller's node sees it: everything said goes there as a message.
 */
final class RemoteVisit implements Away {

  private final ActorRef<Gate.Command> gate;
  private final ActorRef<Desk.Command> desk;
  private final long number;
  private final Parcels parcels;
  private long said;

  RemoteVisit(
      ActorRef<Gate.Command> gate, ActorRef<Desk.Command> desk, long number, Parcels parcels) {
    this.gate = gate;
    this.desk = desk;
    this.number = number;
    this.parcels = parcels;
  }

  // Numbers and the order of sending must agree, whatever threads say something.
  @Override
  public synchronized void say(Frame frame) {
    gate.tell(new Gate.Say(desk, number, said++, frame.kind(), parcels.pack(frame.payload())));
  }

  /** How much was said. */
  synchronized long said() {
    return said;
  }

  /** The node that has it. */
  ActorRef<Gate.Command> gate() {
    return gate;
  }

  @Override
  public void giveUp() {
    gate.tell(new Gate.GiveUp(desk, number));
  }

  /** True: it was sent, and nothing else is known for sure. */
  @Override
  public boolean mayHaveStarted() {
    return true;
  }
}
