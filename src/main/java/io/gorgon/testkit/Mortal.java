package io.gorgon.testkit;

import org.apache.pekko.actor.typed.ActorRef;

/** An actor that lives until it is told to stop. */
public final class Mortal {

  private final ActorRef<String> ref;
  private final Runnable settle;

  Mortal(ActorRef<String> ref, Runnable settle) {
    this.ref = ref;
    this.settle = settle;
  }

  /** The actor. */
  public ActorRef<String> ref() {
    return ref;
  }

  /** Stops it; on scripted Python, whoever watches it has been told when this returns. */
  public void dies() {
    ref.tell("die");
    settle.run();
  }
}
