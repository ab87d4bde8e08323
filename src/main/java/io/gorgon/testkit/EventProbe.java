package io.gorgon.testkit;

import io.gorgon.message.PoolEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Looks at a pool's events from its start on. It reads them like a page: what is expected is looked
 * for behind what was expected before, so a sequence of expectations is one of events; what lies
 * between does not matter. Time is the kit's.
 *
 * <pre>{@code
 * kit.events().expect(PoolEvent.WorkerGone.class);
 * kit.events().expect(PoolEvent.WorkerReady.class); // its replacement
 * }</pre>
 */
public final class EventProbe {

  private final GorgonTestKit kit;
  private final List<PoolEvent> seen = new ArrayList<>();
  private int read;

  EventProbe(GorgonTestKit kit) {
    this.kit = kit;
  }

  synchronized void add(PoolEvent event) {
    seen.add(event);
  }

  /** All events so far. */
  public List<PoolEvent> all() {
    kit.settle();
    return seen();
  }

  /** The events of a type so far. */
  public <E extends PoolEvent> List<E> of(Class<E> type) {
    return all().stream().filter(type::isInstance).map(type::cast).toList();
  }

  private synchronized List<PoolEvent> seen() {
    return List.copyOf(seen);
  }

  /** Reads over what has happened so far. */
  public EventProbe skip() {
    kit.settle();
    synchronized (this) {
      read = seen.size();
    }
    return this;
  }

  /** Goes back to the first event. */
  public synchronized EventProbe rewind() {
    read = 0;
    return this;
  }

  /**
   * Waits for the next event of a type, and reads up to it.
   *
   * @throws AssertionError if there is none within the kit's patience
   */
  public <E extends PoolEvent> E expect(Class<E> type) {
    return expect(type, any -> true);
  }

  /** The same, for one that fits. */
  public <E extends PoolEvent> E expect(Class<E> type, Predicate<? super E> fits) {
    return expectWithin(kit.patience(), type, fits);
  }

  /** The same, within {@code limit}. */
  public <E extends PoolEvent> E expectWithin(
      Duration limit, Class<E> type, Predicate<? super E> fits) {
    kit.settle();
    List<E> found = new ArrayList<>();
    if (!kit.await(() -> findNext(type, fits, found), limit)) {
      throw new AssertionError(
          "no " + type.getSimpleName() + " that fits came within " + text(limit) + page());
    }
    return found.get(0);
  }

  private synchronized <E extends PoolEvent> boolean findNext(
      Class<E> type, Predicate<? super E> fits, List<E> found) {
    for (int i = read; i < seen.size(); i++) {
      PoolEvent event = seen.get(i);
      if (type.isInstance(event) && fits.test(type.cast(event))) {
        read = i + 1;
        found.add(type.cast(event));
        return true;
      }
    }
    return false;
  }

  /**
   * Waits for events of these types, one behind the other.
   *
   * @throws AssertionError if one is missing
   */
  @SafeVarargs
  public final EventProbe expectInOrder(Class<? extends PoolEvent>... types) {
    for (Class<? extends PoolEvent> type : types) {
      expect(type);
    }
    return this;
  }

  /**
   * Makes sure that no event of these types has come since what was read.
   *
   * @throws AssertionError if one has
   */
  @SafeVarargs
  public final EventProbe expectNone(Class<? extends PoolEvent>... types) {
    kit.settle();
    List<PoolEvent> rest = unread();
    for (Class<? extends PoolEvent> type : types) {
      for (PoolEvent event : rest) {
        if (type.isInstance(event)) {
          throw new AssertionError("expected no " + type.getSimpleName() + ": " + event + page());
        }
      }
    }
    return this;
  }

  /** The same, when {@code duration} more has passed. */
  @SafeVarargs
  public final EventProbe expectNoneFor(Duration duration, Class<? extends PoolEvent>... types) {
    kit.passes(duration);
    return expectNone(types);
  }

  private synchronized List<PoolEvent> unread() {
    return List.copyOf(seen.subList(read, seen.size()));
  }

  private String page() {
    List<PoolEvent> all = seen();
    int mark;
    synchronized (this) {
      mark = read;
    }
    return "\nread before:"
        + lines(all.subList(0, mark))
        + "\nsince then:"
        + lines(all.subList(mark, all.size()));
  }

  private static String lines(List<PoolEvent> events) {
    return events.isEmpty()
        ? " nothing"
        : events.stream().map(event -> "\n  " + event).collect(Collectors.joining());
  }

  static String text(Duration limit) {
    return limit.toMillis() + " ms";
  }

  @Override
  public String toString() {
    return "events" + page();
  }
}
