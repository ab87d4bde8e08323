package io.gorgon.testkit;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** The actors that a kit plays parts with; they go when it closes. Thread-safe. */
final class Cast {

  private record Part(ActorRef<Object> ref, CompletableFuture<Void> gone) {}

  /** Stops an actor of the cast. */
  private enum Exit {
    NOW
  }

  private final ActorSystem<?> system;
  private final String name;
  private final AtomicLong numbers = new AtomicLong();
  private final List<Part> parts = new CopyOnWriteArrayList<>();

  Cast(ActorSystem<?> system, String name) {
    this.system = system;
    this.name = name;
  }

  /** An actor that hands all it is told to {@code what}. */
  <T> ActorRef<T> actor(Consumer<T> what) {
    return spawn("told", what, false);
  }

  /** An actor that stops at the first thing that it is told. */
  ActorRef<String> mortal() {
    return spawn("mortal", any -> {}, true);
  }

  @SuppressWarnings("unchecked") // it hands on what it is told as it is
  private <T> ActorRef<T> spawn(String part, Consumer<T> what, boolean mortal) {
    var gone = new CompletableFuture<Void>();
    Behavior<Object> behavior =
        Behaviors.receive(Object.class)
            .onMessageEquals(Exit.NOW, Behaviors::stopped)
            .onAnyMessage(
                message -> {
                  what.accept((T) message);
                  return mortal ? Behaviors.stopped() : Behaviors.same();
                })
            .onSignal(
                PostStop.class,
                stopped -> {
                  gone.complete(null);
                  return Behaviors.same();
                })
            .build();
    ActorRef<Object> ref =
        system.systemActorOf(
            behavior, name + "-" + part + "-" + numbers.incrementAndGet(), Props.empty());
    parts.add(new Part(ref, gone));
    return ref.unsafeUpcast();
  }

  /** Stops them all; completes when they have stopped. */
  CompletableFuture<Void> dismiss() {
    parts.forEach(part -> part.ref().tell(Exit.NOW));
    return CompletableFuture.allOf(
        parts.stream().map(Part::gone).toArray(CompletableFuture<?>[]::new));
  }
}
