package io.gorgon.scoreboard;

import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Subscribe;

/** When one node saw what happened to the others. Thread-safe. */
final class Members {

  /** What can be seen of a member. */
  enum Seen {
    UP,
    UNREACHABLE,
    REACHABLE,
    DOWNED,
    REMOVED
  }

  private record Event(long at, String address, Seen what) {}

  private final List<Event> events = new CopyOnWriteArrayList<>();

  Members(ActorSystem<?> system) {
    var listener =
        system.<ClusterEvent.ClusterDomainEvent>systemActorOf(
            Behaviors.receiveMessage(
                event -> {
                  note(event);
                  return Behaviors.same();
                }),
            "proof-members",
            Props.empty());
    Cluster.get(system)
        .subscriptions()
        .tell(Subscribe.create(listener, ClusterEvent.ClusterDomainEvent.class));
  }

  private void note(ClusterEvent.ClusterDomainEvent event) {
    if (event instanceof ClusterEvent.UnreachableMember one) {
      add(one.member().address().hostPort(), Seen.UNREACHABLE);
    } else if (event instanceof ClusterEvent.ReachableMember one) {
      add(one.member().address().hostPort(), Seen.REACHABLE);
    } else if (event instanceof ClusterEvent.MemberDowned one) {
      add(one.member().address().hostPort(), Seen.DOWNED);
    } else if (event instanceof ClusterEvent.MemberRemoved one) {
      add(one.member().address().hostPort(), Seen.REMOVED);
    } else if (event instanceof ClusterEvent.MemberUp one) {
      add(one.member().address().hostPort(), Seen.UP);
    }
  }

  private void add(String address, Seen what) {
    events.add(new Event(System.nanoTime(), address, what));
  }

  private OptionalLong find(String address, Seen what, long since) {
    return events.stream()
        .filter(e -> e.at() >= since && e.what() == what && e.address().equals(address))
        .mapToLong(Event::at)
        .findFirst();
  }

  /** When it was seen first since then, as {@link System#nanoTime} says it; waits for it. */
  long await(String address, Seen what, long since) {
    long patience = System.nanoTime() + 60_000_000_000L;
    OptionalLong at = find(address, what, since);
    while (at.isEmpty()) {
      if (System.nanoTime() > patience) {
        throw new AssertionError(address + " was not seen " + what + "; seen: " + events);
      }
      LockSupport.parkNanos(2_000_000);
      at = find(address, what, since);
    }
    return at.getAsLong();
  }
}
