package io.gorgon.testkit;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.pool.PoolStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.actor.typed.ActorSystem;

/** Looks for what a kit, or the test that used it, left over. */
final class LeakCheck {

  /** A line of the tree that Pekko prints: indentation, an arrow, the name. */
  private static final Pattern BRANCH = Pattern.compile("^([ |⌊]*)-> (\\S+) .*$");

  /** What Pekko starts by itself when it is first needed. */
  private static final Pattern PEKKO =
      Pattern.compile(
          "Materializers.*|StreamSupervisor.*|IO-.*|eventStream.*|.*[rR]eceptionist.*|deadLetter.*"
              + "|log\\d+-.*|unhandled.*");

  private final ActorSystem<?> system;
  private final String pool;
  private final Set<String> before;

  /** Notes what is there before the test. */
  LeakCheck(ActorSystem<?> system, String pool) {
    this.system = system;
    this.pool = pool;
    this.before = actorsNow();
  }

  /** What the test still holds of the pool. */
  static List<Leak> held(PoolStats stats, List<PoolEvent> events) {
    List<Leak> leaks = new ArrayList<>();
    if (stats.leased() > 0) {
      Map<Long, LeaseGranted> open = new LinkedHashMap<>();
      for (PoolEvent event : events) {
        if (event instanceof LeaseGranted granted) {
          open.put(granted.lease(), granted);
        } else if (event instanceof LeaseEnded ended) {
          open.remove(ended.lease());
        }
      }
      for (LeaseGranted granted : open.values()) {
        leaks.add(
            new Leak(
                Leak.Kind.LEASE,
                "lease "
                    + granted.lease()
                    + " of worker "
                    + granted.worker()
                    + (granted.session() == null ? "" : ", session " + granted.session())
                    + " was not given back: close the checkout"));
      }
    }
    return leaks;
  }

  /** The replies that a test has not closed. */
  static List<Leak> lent(int replies) {
    return replies == 0
        ? List.of()
        : List.of(
            new Leak(
                Leak.Kind.MEMORY,
                replies
                    + (replies == 1 ? " reply that borrows was" : " replies that borrow were")
                    + " not closed: close what calls with borrowing() give"));
  }

  /** Waits a little for the actors to go, and says which do not. */
  List<Leak> actors(Waiting waiting) {
    waiting.await(() -> left().isEmpty(), Duration.ofSeconds(2));
    return left().stream()
        .map(name -> new Leak(Leak.Kind.ACTOR, name + " lives: stop it in the test"))
        .toList();
  }

  /** Waits in the kit's time. */
  interface Waiting {
    boolean await(java.util.function.BooleanSupplier condition, Duration limit);
  }

  private Set<String> left() {
    Set<String> left = actorsNow();
    left.removeAll(before);
    left.removeIf(path -> PEKKO.matcher(path.substring(path.lastIndexOf('/') + 1)).matches());
    return left;
  }

  /** The actors right below the two guardians. */
  private Set<String> actorsNow() {
    Set<String> names = new TreeSet<>();
    List<Integer> depths = new ArrayList<>();
    String guardian = "";
    for (String line : system.printTree().lines().toList()) {
      Matcher branch = BRANCH.matcher(line);
      if (branch.matches()) {
        int depth = branch.group(1).length();
        depths.removeIf(higher -> higher >= depth);
        if (depths.size() == 1) {
          guardian = branch.group(2);
        } else if (depths.size() == 2) {
          names.add("/" + guardian + "/" + branch.group(2));
        }
        depths.add(depth);
      }
    }
    return names;
  }

  /**
   * Waits a little for the threads to go, in real time, and says which do not.
   *
   * @param ofSystem whether the actor system has ended too
   */
  List<Leak> threads(boolean ofSystem) {
    long until = System.nanoTime() + Stages.PATIENCE.toNanos() / 4;
    List<Leak> leaks = new ArrayList<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      String name = thread.getName();
      if (name.startsWith("gorgon-" + pool + "/")
          || name.startsWith("gorgon-" + pool + "-")
          || (ofSystem && name.startsWith(system.name() + "-"))) {
        if (!ends(thread, until)) {
          leaks.add(new Leak(Leak.Kind.THREAD, name + where(thread)));
        }
      }
    }
    return leaks;
  }

  private static boolean ends(Thread thread, long until) {
    try {
      thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime())));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  private static String where(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    return stack.length == 0 ? "" : " is alive, at " + stack[Math.min(stack.length, 3) - 1];
  }
}
