package io.gorgon.pool;

import io.gorgon.pool.PoolBooks.Mode;
import io.gorgon.pool.WaitingLine.Waiter;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This decides who gets a worker next, and what becomes of each worker. No actors, no clocks, no
 * I/O: the same facts in the same order always give the same decisions, which is how every order of
 * events can be tried by a test. One thread.
 *
 * <pre>
 *   HIRED -> WAITING -> STARTING -> IN_LANE <-> LEASED -> (CHECKING ->) IN_LANE
 *     ^                    |           |           |
 *     +---- restarted -----+-----------+-----------+---> STOPPING -> gone, or HIRED again
 * </pre>
 *
 * <p>The facts are in {@link PoolBooks}. Each of the parts decides about one thing, and uses only
 * those above it in this list:
 *
 * <ul>
 *   <li>{@link Turns}: which worker one who waits is to get, and who waits in vain
 *   <li>{@link Departures}: how a worker goes that is to go
 *   <li>{@link Ending}: how the pool is drained and stops
 *   <li>{@link Grants}: to whom an idle worker is handed over
 *   <li>{@link Leases}: how leases last and end
 *   <li>{@link Circuit}: when it is hopeless to wait
 *   <li>{@link Starts}: when a process may start
 *   <li>{@link Size}: how many workers there are
 *   <li>{@link Replacements}: who gets a successor while it still works
 *   <li>{@link Workers}: what follows when a worker comes, or is gone
 *   <li>{@link Asking}: who may wait for a worker
 * </ul>
 */
final class PoolState {

  /**
   * What a lease is about.
   *
   * @param waiter who has it
   * @param before the process that its session had before, if any
   * @param until when it ends by itself
   */
  record Holding(
      Lease lease,
      Waiter waiter,
      Bindings.@Nullable Binding before,
      boolean acknowledged,
      long until) {

    CheckoutKind kind() {
      return waiter.kind();
    }

    Holding renewed(long newUntil) {
      return new Holding(lease, waiter, before, true, newUntil);
    }
  }

  private final PoolBooks books;
  private final Turns turns;
  private final Ending ending;
  private final Grants grants;
  private final Leases leases;
  private final Starts starts;
  private final Size size;
  private final Replacements replacements;
  private final Workers workers;
  private final Asking asking;

  PoolState(PoolSettings settings) {
    this(new PoolBooks(settings));
  }

  /** For a pool that goes on counting from {@code former}. */
  PoolState(PoolSettings settings, Numbers former) {
    this(new PoolBooks(settings, former));
  }

  private PoolState(PoolBooks books) {
    this.books = books;
    turns = new Turns(books);
    var departures = new Departures(books, turns);
    ending = new Ending(books, turns, departures);
    grants = new Grants(books, turns, departures, ending);
    leases = new Leases(books, turns, departures, grants);
    var circuit = new Circuit(books, turns);
    starts = new Starts(books);
    size = new Size(books, turns, departures, starts);
    replacements = new Replacements(books, size);
    workers =
        new Workers(books, turns, departures, ending, leases, circuit, starts, size, replacements);
    asking = new Asking(books, turns, ending, leases, circuit, size);
  }

  /**
   * Takes in one fact.
   *
   * @param time nanoseconds on a clock that never goes back
   * @return what is to be done, in this order
   */
  List<PoolEffect> on(PoolInput input, long time) {
    books.begin(time);
    dispatch(input);
    return books.effects();
  }

  private void dispatch(PoolInput input) {
    if (input instanceof PoolInput.Asked asked) {
      asking.onAsked(asked);
    } else if (input instanceof PoolInput.Claimed claimed) {
      grants.onClaimed(claimed);
    } else if (input instanceof PoolInput.Returned returned) {
      leases.onReturned(returned);
    } else if (input instanceof PoolInput.Acknowledged acknowledged) {
      leases.renew(acknowledged.lease());
    } else if (input instanceof PoolInput.Renewed renewed) {
      leases.renew(renewed.lease());
    } else if (input instanceof PoolInput.Reclaimed reclaimed) {
      leases.onReclaimed(reclaimed);
    } else if (input instanceof PoolInput.Withdrawn withdrawn) {
      asking.onWithdrawn(withdrawn);
    } else if (input instanceof PoolInput.Unsettled unsettled) {
      asking.onUnsettled(unsettled);
    } else if (input instanceof PoolInput.OwnerDied died) {
      asking.onOwnerDied(died);
    } else if (input instanceof PoolInput.HandOverFailed failed) {
      grants.onHandOverFailed(failed);
    } else if (input instanceof PoolInput.SessionEnded ended) {
      turns.onSessionEnded(ended);
    } else if (input instanceof PoolInput.Wanted wanted) {
      workers.onWanted(wanted);
    } else if (input instanceof PoolInput.BecameReady ready) {
      workers.onBecameReady(ready);
    } else if (input instanceof PoolInput.Gone gone) {
      workers.onGone(gone);
    } else if (input instanceof PoolInput.Vanished vanished) {
      workers.onVanished(vanished);
    } else if (input instanceof PoolInput.Checked checked) {
      grants.onChecked(checked);
    } else if (input instanceof PoolInput.RetireDue due) {
      replacements.onRetireDue(due);
    } else if (input instanceof PoolInput.Idled idled) {
      size.onIdled(idled);
    } else if (input instanceof PoolInput.Pressed pressed) {
      size.onPressed(pressed);
    } else if (input instanceof PoolInput.Ticked) {
      onTicked();
    } else if (input instanceof PoolInput.Resized resized) {
      size.onResized(resized);
    } else if (input instanceof PoolInput.ResetWanted) {
      replacements.onResetWanted();
    } else if (input instanceof PoolInput.DrainWanted wanted) {
      ending.onDrainWanted(wanted);
    } else if (input instanceof PoolInput.Began) {
      size.onBegan();
    }
  }

  private void onTicked() {
    turns.dropOverdue();
    leases.revokeExpired();
    size.growForTheLine();
    turns.sweepSessions();
    replacements.retireAged();
    ending.cutShortIfDue();
    if (books.isRunning()) {
      starts.startWhatMay();
    }
  }

  // ---- looking

  /** Workers by what they do, for messages. */
  String figures() {
    return books.figures();
  }

  List<Slot> slots() {
    return books.slots;
  }

  Collection<Holding> holdings() {
    return books.holdings.values();
  }

  WaitingLine line() {
    return books.line;
  }

  Bindings bindings() {
    return books.bindings;
  }

  /** Processes that are starting, as the bound on starts counts them. */
  int starting() {
    return books.restarts.starting();
  }

  boolean isCircuitOpen() {
    return books.circuitOpen;
  }

  boolean isDraining() {
    return books.mode == Mode.DRAINING;
  }

  boolean isRunning() {
    return books.isRunning();
  }

  int min() {
    return books.min;
  }

  int max() {
    return books.max;
  }

  /** Messages that came too late, or were about nobody. */
  long staleMessages() {
    return books.staleMessages;
  }

  /** The same for two states that decide alike from now on; times count from now. */
  String fingerprint() {
    return books.fingerprint();
  }

  /** How far this has counted, with the requests that the actor counts. */
  Numbers numbers(long requests) {
    return books.numbers(requests);
  }

  /** An independent copy, for trying what would follow. */
  PoolState copy() {
    return new PoolState(books.copy());
  }
}
