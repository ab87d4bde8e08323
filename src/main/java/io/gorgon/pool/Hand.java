package io.gorgon.pool;

import io.gorgon.worker.Runner;
import io.gorgon.worker.Worker;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/** This is a worker actor, and the road to the process that it has. */
final class Hand {

  final ActorRef<Worker.Command> actor;
  final int slot;
  @Nullable Runner runner;
  long pid;

  Hand(ActorRef<Worker.Command> actor, int slot) {
    this.actor = actor;
    this.slot = slot;
  }
}
