package io.gorgon.proving.history;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One line of a history: what somebody saw at one moment. Callers, workers, tools, holders of
 * leases and the pool's events all write such lines; {@link History} joins them.
 */
public sealed interface Fact {

  /**
   * When, in nanoseconds of the system's monotonic clock: {@code System.nanoTime} here, {@code
   * time.monotonic_ns} there, which are the same clock on Linux.
   */
  long at();

  /** Whose histories it belongs to. */
  List<Subject> subjects();

  // ---- by callers

  /**
   * What a call may come to.
   *
   * @param runs how often it may run at most
   * @param limit its deadline, from when it was asked for
   * @param elements how many a stream has, -1 where it is none
   * @param lease the lease under which it is made, 0 for none
   * @param mayFailWith which failures are its own, or come with what the test does to it
   */
  record Terms(
      int runs, Duration limit, long elements, long lease, Predicate<PythonFailure> mayFailWith) {

    /** An ordinary call that runs once. */
    public static Terms once(Duration limit, Predicate<PythonFailure> mayFailWith) {
      return new Terms(1, limit, -1, 0, mayFailWith);
    }

    /** The same with another number of runs. */
    public Terms repeated(int most) {
      return new Terms(most, limit, elements, lease, mayFailWith);
    }

    /** The same for a stream; its deadline is that of the first element. */
    public Terms streaming(long count) {
      return new Terms(runs, limit, count, lease, mayFailWith);
    }

    /** The same under a lease. */
    public Terms under(long sequence) {
      return new Terms(runs, limit, elements, sequence, mayFailWith);
    }
  }

  /** A caller makes a call. */
  record Asked(long at, String call, String nonce, Terms terms) implements OfCall {}

  /** A caller has cancelled, and the pool has taken it. */
  record CancelTaken(long at, String call) implements OfCall {}

  /** A caller is told: a value from a worker, or a failure. */
  record Told(
      long at,
      String call,
      @Nullable String value,
      @Nullable WorkerId worker,
      @Nullable Throwable failure)
      implements OfCall {}

  /** A consumer gets an element of a stream. */
  record Element(long at, String call, long index, String value) implements OfCall {}

  /** A consumer's stream is over. */
  record StreamOver(long at, String call, @Nullable Throwable failure) implements OfCall {}

  /**
   * A session has taken a call in: those of its calls that are asked for later are behind it. Which
   * session a call belongs to is known by this alone.
   */
  record InSession(long at, String call, String session) implements Fact {
    @Override
    public List<Subject> subjects() {
      return List.of(Subject.call(call), Subject.session(session));
    }
  }

  /**
   * What a session's state was found to be.
   *
   * @param at when it was asked for
   * @param owner which session wrote that it is its own; {@link #NOBODY} for an empty state
   * @param changes all that were made, oldest first
   * @param last whether this is what the store had when nobody used it any more
   */
  record StateRead(
      long at,
      String session,
      long version,
      String owner,
      long count,
      List<String> changes,
      boolean last)
      implements Fact {
    @Override
    public List<Subject> subjects() {
      return List.of(Subject.session(session));
    }
  }

  /** The owner, and the last change, of an empty state. */
  String NOBODY = "-";

  // ---- by workers

  /** Python starts a call, which it knows by the pool's {@code id} too. */
  record Started(long at, String call, String nonce, long pid, WorkerId worker, String id)
      implements OfCallAndWorker {}

  /** Python has ended a call, however. */
  record Ended(long at, String call, WorkerId worker) implements OfCallAndWorker {}

  /** Python asks Java. */
  record Question(long at, String call, long number) implements OfCall {}

  /** Python is answered by Java. */
  record Answer(long at, String call, long number, String value) implements OfCall {}

  /**
   * Python looks at the state of its session before it changes it.
   *
   * @param size how many changes it has
   * @param last the newest of them, or {@link #NOBODY}
   */
  record Saw(long at, String call, String session, String owner, long count, int size, String last)
      implements OfCall {}

  /** Python makes a change, by its name. */
  record Changed(long at, String call, String change) implements OfCall {}

  /** Python asks for a checkpoint of what it has changed so far. */
  record CheckpointAsked(long at, String call) implements OfCall {}

  /** It is told that it was kept. */
  record CheckpointKept(long at, String call, long version) implements OfCall {}

  /** It is told that it could not be kept, by a Java exception of that class. */
  record CheckpointRefused(long at, String call, String failure) implements OfCall {}

  // ---- by tools

  /** A tool is asked, by the pool in the name of the call {@code id}. */
  record Served(long at, String call, long number, String id) implements OfCall {}

  // ---- by holders of leases, by those who do harm, and by the pool

  /** A checkout has arrived at its holder. */
  record Held(long at, long lease, WorkerId worker) implements OfWorker {}

  /** A holder is about to give it back, or to die. */
  record GivenBack(long at, long lease, WorkerId worker) implements OfWorker {}

  /** Somebody does harm to a process. */
  record Harm(long at, WorkerId worker, String what) implements OfWorker {}

  /** The pool tells; events of one pool are in their order. */
  record Event(long at, PoolEvent event) implements Fact {
    @Override
    public List<Subject> subjects() {
      WorkerId worker = workerOf(event);
      return worker == null ? List.of() : List.of(Subject.worker(worker));
    }
  }

  /** Whom an event is about, or null. */
  static @Nullable WorkerId workerOf(PoolEvent event) {
    if (event instanceof PoolEvent.WorkerStarting one) {
      return one.worker();
    }
    if (event instanceof PoolEvent.WorkerReady one) {
      return one.worker();
    }
    if (event instanceof PoolEvent.WorkerGone one) {
      return one.worker();
    }
    if (event instanceof PoolEvent.WorkerRetiring one) {
      return one.worker();
    }
    if (event instanceof PoolEvent.WorkerNoticed one) {
      return one.worker();
    }
    if (event instanceof PoolEvent.LeaseGranted one) {
      return one.worker();
    }
    return event instanceof PoolEvent.LeaseEnded one ? one.worker() : null;
  }

  /** About a call. */
  sealed interface OfCall extends Fact {
    String call();

    @Override
    default List<Subject> subjects() {
      return List.of(Subject.call(call()));
    }
  }

  /** About a worker. */
  sealed interface OfWorker extends Fact {
    WorkerId worker();

    @Override
    default List<Subject> subjects() {
      return List.of(Subject.worker(worker()));
    }
  }

  /** About a call and the worker that it is at. */
  sealed interface OfCallAndWorker extends Fact {
    String call();

    WorkerId worker();

    @Override
    default List<Subject> subjects() {
      return List.of(Subject.call(call()), Subject.worker(worker()));
    }
  }
}
