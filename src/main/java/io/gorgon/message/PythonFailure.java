package io.gorgon.message;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can go wrong, on one page. Each failure says what happened, to whom, the numbers
 * that matter and what to do. Unchecked and immutable.
 *
 * <pre>
 *  Python's own answer   PythonRaised  BadArguments  UnknownTarget  NotAStream  NotSerializable  TooLarge
 *  time and will         DeadlineExceeded  Cancelled  NestedTooDeep
 *  a worker's fault      WorkerLost  NodeLost  FailedElsewhere  ProtocolViolation  StartFailed
 *  no worker for you     Overloaded  NoCapacity  Draining  CheckoutRefused  SessionLost
 *  a session's state     SessionConflict  SessionExpired  SessionQuota  StateTooNew  StoreUnavailable  CommitUnknown
 *  a look at a worker    NoDump
 *  set-up                InvalidSettings  NameTaken  NotRunning
 * </pre>
 */
public abstract sealed class PythonFailure extends RuntimeException {

  private final List<@Nullable Object> arguments;

  /**
   * Says {@code message}.
   *
   * @param arguments those of the subclass's public constructor, in its order
   */
  PythonFailure(String message, @Nullable Object... arguments) {
    super(message);
    this.arguments = Collections.unmodifiableList(Arrays.asList(arguments));
  }

  /** What it was made of, so that another node can make it again: see {@link FailureForm}. */
  final List<@Nullable Object> arguments() {
    return arguments;
  }

  /**
   * Whether trying the same call again is safe and may help: it had not started, or it declared
   * itself idempotent; and what stood in its way may pass.
   */
  public boolean retryable() {
    return false;
  }

  /** The Java stack of an I/O thread tells nobody anything, and costs more than the call. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }

  /** The name without the package, as command lines and logs print it. */
  public final String name() {
    return getClass().getSimpleName();
  }

  // ---- Python's own answer

  /**
   * The function raised. Its frames head this exception's stack trace, its notes end the message,
   * {@code __cause__} or {@code __context__} is the cause, and the members of an exception group
   * are suppressed exceptions. The worker is fine.
   */
  public static final class PythonRaised extends PythonFailure {
    private final PythonException exception;

    public PythonRaised(String target, WorkerId worker, PythonException exception) {
      super(
          target
              + " raised "
              + exception.describe()
              + " (worker "
              + worker
              + ")"
              + quote("notes", exception.notes().stream().flatMap(String::lines).toList()),
          target,
          worker,
          exception);
      this.exception = exception;
      if (exception.cause() != null) {
        initCause(new PythonRaised(target, worker, exception.cause()));
      }
      exception.group().forEach(member -> addSuppressed(new PythonRaised(target, worker, member)));
      setStackTrace(exception.stackTrace());
    }

    private PythonRaised(PythonRaised same, StackTraceElement[] trace) {
      super(String.valueOf(same.getMessage()), same.arguments().toArray());
      this.exception = same.exception;
      initCause(same.getCause());
      Stream.of(same.getSuppressed()).forEach(this::addSuppressed);
      setStackTrace(trace);
    }

    /**
     * The same, with the Java frames of who called behind Python's. A call's failure is shared by
     * all who look at its answer, so it is not changed itself.
     *
     * @param caller innermost first, as {@link Throwable#getStackTrace} gives them
     */
    public PythonRaised calledFrom(StackTraceElement... caller) {
      return new PythonRaised(
          this,
          Stream.concat(Stream.of(exception.stackTrace()), Stream.of(caller))
              .toArray(StackTraceElement[]::new));
    }

    /** The same, with one more suppressed exception. */
    PythonRaised suppressing(Throwable other) {
      var copy = new PythonRaised(this, getStackTrace());
      copy.addSuppressed(other);
      return copy;
    }

    /** Type, message, frames, cause, notes and group as Python had them. */
    public PythonException exception() {
      return exception;
    }

    /** The name of the exception's class, for example {@code ValueError}. */
    public String type() {
      return exception.type();
    }

    /**
     * Whether its class is, or inherits from, the one of that name: see {@link PythonException}.
     */
    public boolean isA(String name) {
      return exception.isA(name);
    }

    /** The traceback as Python prints it. */
    public String traceback() {
      return exception.traceback();
    }
  }

  /** The arguments do not fit the function's signature; it did not run. */
  public static final class BadArguments extends PythonFailure {
    public BadArguments(String target, String signature, String problem) {
      super(
          target
              + signature
              + " does not take these arguments: "
              + problem
              + "; change the call, or the function",
          target,
          signature,
          problem);
    }
  }

  /** The target names nothing that can be called. */
  public static final class UnknownTarget extends PythonFailure {
    /** Why a target could not be resolved. */
    public enum Reason {
      MALFORMED,
      MODULE_MISSING,
      IMPORT_FAILED,
      ATTRIBUTE_MISSING,
      NOT_CALLABLE
    }

    private final UnknownTarget.Reason reason;
    private final @Nullable PythonException exception;

    public UnknownTarget(
        String target,
        UnknownTarget.Reason reason,
        String problem,
        @Nullable PythonException exception) {
      super(
          "no function '" + target + "' (" + reason + "): " + problem + "; " + remedy(reason),
          target,
          reason,
          problem,
          exception);
      this.reason = reason;
      this.exception = exception;
    }

    private static String remedy(UnknownTarget.Reason reason) {
      return switch (reason) {
        case MALFORMED -> "write it as 'module:function'";
        case MODULE_MISSING -> "install the module, or name its directory in 'path' of the pool";
        case IMPORT_FAILED -> "mend what the module does when it is imported";
        case ATTRIBUTE_MISSING, NOT_CALLABLE -> "name a function that the module has";
      };
    }

    public UnknownTarget.Reason reason() {
      return reason;
    }

    /** What the module raised while it was imported, or null for the other reasons. */
    public @Nullable PythonException exception() {
      return exception;
    }
  }

  /** The function gave something that cannot be gone through, and a stream was asked for. */
  public static final class NotAStream extends PythonFailure {
    public NotAStream(String target, String problem) {
      super(target + " gave no stream: " + problem, target, problem);
    }
  }

  /** A value has no form on the wire, in the direction that {@code where} tells. */
  public static final class NotSerializable extends PythonFailure {
    private final String path;

    public NotSerializable(String where, String path, String problem) {
      super(
          "cannot send the value at "
              + path
              + " of "
              + where
              + ": "
              + problem
              + "; send a value that has a form on the wire",
          where,
          path,
          problem);
      this.path = path;
    }

    /** The path to the offending value, {@code $} being the whole. */
    public String path() {
      return path;
    }
  }

  /** A frame would exceed the limit; nothing was sent. */
  public static final class TooLarge extends PythonFailure {
    private final long size;
    private final long limit;

    public TooLarge(String what, long size, long limit) {
      super(
          what
              + " takes "
              + size
              + " bytes, the limit is "
              + limit
              + ": send less, or raise 'frame-limit' of the pool",
          what,
          size,
          limit);
      this.size = size;
      this.limit = limit;
    }

    /** Bytes that it would have taken. */
    public long size() {
      return size;
    }

    /** Bytes allowed. */
    public long limit() {
      return limit;
    }
  }

  // ---- time and will

  /** The deadline passed. If it was running, its worker is stopped and replaced. */
  public static final class DeadlineExceeded extends PythonFailure {
    /** Where the time ran out. */
    public enum Phase {
      /** It waited for a worker, or behind other calls of its session. */
      QUEUED,
      /** It waited, and no worker had got ready yet. */
      STARTING,
      /** Python had started it. */
      RUNNING,
      /** Between two elements of a stream, whichever side did not move. */
      STREAMING
    }

    private final Phase phase;

    public DeadlineExceeded(String target, Phase phase, Duration limit, String where) {
      super(
          target
              + " had no answer within "
              + limit.toMillis()
              + " ms, "
              + phase
              + " "
              + where
              + ": allow more time, or "
              + remedy(phase),
          target,
          phase,
          limit,
          where);
      this.phase = phase;
    }

    private static String remedy(Phase phase) {
      return switch (phase) {
        case RUNNING -> "make the function faster";
        case STREAMING -> "let neither side of the stream rest for so long";
        case QUEUED, STARTING -> "allow more workers";
      };
    }

    public Phase phase() {
      return phase;
    }

    /** True unless it was running. */
    @Override
    public boolean retryable() {
      return phase == Phase.QUEUED || phase == Phase.STARTING;
    }
  }

  /** Somebody cancelled the call, or its owner died. */
  public static final class Cancelled extends PythonFailure {
    private final boolean started;

    public Cancelled(String target, boolean started, String why) {
      super(
          target
              + " was cancelled "
              + (started ? "while it ran" : "before it ran")
              + ": "
              + why
              + "; send it again if it is still wanted",
          target,
          started,
          why);
      this.started = started;
    }

    /** Whether Python may have run a part of it. */
    public boolean started() {
      return started;
    }
  }

  /** Python and Java call each other deeper than the pool allows; nothing was sent. */
  public static final class NestedTooDeep extends PythonFailure {
    public NestedTooDeep(String target, int limit) {
      super(
          target
              + " would be a call within "
              + limit
              + " others, which is all that may be: let the tools call less deeply, or raise"
              + " 'max-nesting' of the pool",
          target,
          limit);
    }
  }

  // ---- a worker's fault

  /** The worker died with the call in its hands. */
  public static final class WorkerLost extends PythonFailure {
    private final WorkerId worker;
    private final Exit exit;
    private final boolean started;
    private final List<String> tail;
    private final boolean idempotent;

    public WorkerLost(
        String target,
        WorkerId worker,
        Exit exit,
        boolean started,
        boolean idempotent,
        String cause,
        List<String> tail) {
      super(
          "worker "
              + worker
              + " was lost ("
              + exit
              + "; "
              + cause
              + ") "
              + (started ? "while it ran " : "before it ran ")
              + target
              + resending(started, idempotent)
              + quote(tail),
          target,
          worker,
          exit,
          started,
          idempotent,
          cause,
          List.copyOf(tail));
      this.worker = worker;
      this.exit = exit;
      this.started = started;
      this.idempotent = idempotent;
      this.tail = List.copyOf(tail);
    }

    public WorkerId worker() {
      return worker;
    }

    public Exit exit() {
      return exit;
    }

    /** Whether Python had started the function. */
    public boolean started() {
      return started;
    }

    /** The worker's last lines of output, oldest first. */
    public List<String> tail() {
      return tail;
    }

    @Override
    public boolean retryable() {
      return !started || idempotent;
    }
  }

  /**
   * The node that had the call left the cluster, or was declared dead, before it answered; or what
   * it said was lost on the way.
   */
  public static final class NodeLost extends PythonFailure {
    private final String node;
    private final boolean started;
    private final boolean idempotent;

    /**
     * For one call.
     *
     * @param node its address
     * @param why how it was lost
     * @param started whether Python may have started the call
     */
    public NodeLost(String target, String node, String why, boolean started, boolean idempotent) {
      super(
          "node "
              + node
              + " was lost ("
              + why
              + ") "
              + (started ? "while it may have run " : "before it ran ")
              + target
              + resending(started, idempotent),
          target,
          node,
          why,
          started,
          idempotent);
      this.node = node;
      this.started = started;
      this.idempotent = idempotent;
    }

    /** The address of the node. */
    public String node() {
      return node;
    }

    /** Whether Python may have started the function. */
    public boolean started() {
      return started;
    }

    @Override
    public boolean retryable() {
      return !started || idempotent;
    }
  }

  /**
   * Another node failed with what has no form here: a failure that only newer nodes know, or one
   * that is no failure of a call. It keeps the name and the words.
   */
  public static final class FailedElsewhere extends PythonFailure {
    private final String kind;
    private final String said;
    private final boolean retryable;

    /**
     * For one failure.
     *
     * @param kind its name there
     * @param said its message there
     * @param retryable what it said of trying again
     * @param problem why it has no form here, and what to do
     */
    public FailedElsewhere(String kind, String said, boolean retryable, String problem) {
      super(
          "another node failed with " + kind + " (" + said + "), " + problem,
          kind,
          said,
          retryable,
          problem);
      this.kind = kind;
      this.said = said;
      this.retryable = retryable;
    }

    /** Its name there: as {@link PythonFailure#name} has it, or that of a Java class. */
    public String kind() {
      return kind;
    }

    /** Its message there. */
    public String said() {
      return said;
    }

    /** As it was there. */
    @Override
    public boolean retryable() {
      return retryable;
    }
  }

  /** A worker broke the protocol; it was stopped and is replaced. */
  public static final class ProtocolViolation extends PythonFailure {
    public ProtocolViolation(String problem) {
      super(
          "the worker broke the protocol: "
              + problem
              + "; look for code that writes to its socket, or report a bug",
          problem);
    }
  }

  /** A worker could not start. */
  public static final class StartFailed extends PythonFailure {
    /** What stood in its way. */
    public enum Kind {
      NO_INTERPRETER,
      VERSION,
      PLATFORM,
      ENVIRONMENT,
      IMPORT,
      HANDSHAKE,
      EXITED,
      TIMEOUT;

      /** True if trying again without a change by a person cannot help. */
      public boolean permanent() {
        return this == NO_INTERPRETER
            || this == VERSION
            || this == PLATFORM
            || this == IMPORT
            || this == ENVIRONMENT;
      }
    }

    private final Kind kind;
    private final String output;

    public StartFailed(Kind kind, String problem, String output) {
      super(
          "a worker could not start ("
              + kind
              + "): "
              + problem
              + (output.isBlank() ? "" : "\n" + output.stripTrailing()),
          kind,
          problem,
          output);
      this.kind = kind;
      this.output = output;
    }

    public Kind kind() {
      return kind;
    }

    /** The traceback, or the worker's last lines. */
    public String output() {
      return output;
    }

    /** The call had not started; true where the cause may pass. */
    @Override
    public boolean retryable() {
      return !kind.permanent();
    }
  }

  // ---- no worker for you

  /** The waiting line is full. */
  public static final class Overloaded extends PythonFailure {
    public Overloaded(String pool, int waiting, int capacity, String workers) {
      super(
          "pool '"
              + pool
              + "' has "
              + waiting
              + " waiting of at most "
              + capacity
              + "; "
              + workers
              + ": slow down, or raise 'queue-capacity' or 'max-workers'",
          pool,
          waiting,
          capacity,
          workers);
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** Workers keep dying or never start; the circuit is open and heals by itself. */
  public static final class NoCapacity extends PythonFailure {
    private final List<String> tail;

    public NoCapacity(String pool, String why, List<String> tail) {
      super(
          "pool '"
              + pool
              + "' has no workers: "
              + why
              + "; mend that, or try again later"
              + quote(tail),
          pool,
          why,
          List.copyOf(tail));
      this.tail = List.copyOf(tail);
    }

    /** The last lines that a worker wrote before it died. */
    public List<String> tail() {
      return tail;
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** The pool takes nothing new: it is finishing. */
  public static final class Draining extends PythonFailure {
    public Draining(String pool, boolean stopped) {
      super(
          "pool '"
              + pool
              + "' "
              + (stopped ? "has stopped" : "is draining")
              + ": send the call to another pool, or start this one again",
          pool,
          stopped);
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** A checkout, or a call through one, was refused. */
  public static final class CheckoutRefused extends PythonFailure {
    /** Why. */
    public enum Reason {
      INVALID_KIND,
      QUEUE_FULL,
      DEADLINE,
      DRAINING,
      STOPPED,
      NO_CAPACITY,
      CANCELLED,
      OWNER_DEAD,
      WORKER_BUSY,
      LEASE_ENDED
    }

    private final CheckoutRefused.Reason reason;

    public CheckoutRefused(String pool, CheckoutRefused.Reason reason, String details) {
      super(
          "pool '" + pool + "' refused the checkout (" + reason + "): " + details,
          pool,
          reason,
          details);
      this.reason = reason;
    }

    public CheckoutRefused.Reason reason() {
      return reason;
    }

    @Override
    public boolean retryable() {
      return reason != CheckoutRefused.Reason.INVALID_KIND
          && reason != CheckoutRefused.Reason.LEASE_ENDED
          && reason != CheckoutRefused.Reason.OWNER_DEAD;
    }
  }

  /** A pinned session's process is gone, and with it what it held in memory. */
  public static final class SessionLost extends PythonFailure {
    private final String session;

    public SessionLost(String session, WorkerId worker) {
      super(
          "session '"
              + session
              + "' was pinned to worker "
              + worker
              + ", which is gone: end the"
              + " session and start it anew",
          session,
          worker);
      this.session = session;
    }

    public String session() {
      return session;
    }
  }

  // ---- a session's state

  /** Somebody else has changed the session meanwhile; nothing of this call's changes was kept. */
  public static final class SessionConflict extends PythonFailure {
    private final String session;

    public SessionConflict(String session, long version) {
      super(
          "session '"
              + session
              + "' has gone beyond version "
              + version
              + ", which this call started from: what it changed was not kept; try again on the new"
              + " state, and let each session have one owner",
          session,
          version);
      this.session = session;
    }

    public String session() {
      return session;
    }

    /** True: its changes were not kept, and the next call starts from the new state. */
    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** The session was not used for longer than its time to live; its state is gone. */
  public static final class SessionExpired extends PythonFailure {
    private final String session;

    public SessionExpired(String session, Duration timeToLive) {
      super(
          "session '"
              + session
              + "' was not used for "
              + timeToLive
              + " (session.ttl), and its state is gone; start it anew by the next call",
          session,
          timeToLive);
      this.session = session;
    }

    public String session() {
      return session;
    }
  }

  /** There are as many sessions as there may be; the call did not run. */
  public static final class SessionQuota extends PythonFailure {
    private final String session;

    public SessionQuota(String session, long quota) {
      super(
          "session '"
              + session
              + "' would be one more than the "
              + quota
              + " that may be (session.quota): end some, or allow more",
          session,
          quota);
      this.session = session;
    }

    public String session() {
      return session;
    }

    /** True: it did not run, and others may end. */
    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** The session's state was written by a newer version of this library; it is left as it is. */
  public static final class StateTooNew extends PythonFailure {
    private final String session;

    public StateTooNew(String session, int format, int known) {
      super(
          "the state of session '"
              + session
              + "' has format "
              + format
              + ", and this version reads up to "
              + known
              + ": let the upgrade of all nodes come to its end, or end the session, which forgets it",
          session,
          format,
          known);
      this.session = session;
    }

    public String session() {
      return session;
    }
  }

  /** The store of sessions cannot be reached. */
  public static final class StoreUnavailable extends PythonFailure {
    private final String session;
    private final boolean started;
    private final String problem;

    /**
     * For one session.
     *
     * @param started whether the call had run; what it changed was not kept
     */
    public StoreUnavailable(String session, boolean started, String problem) {
      super(
          "the store of session '"
              + session
              + "' is away: "
              + problem
              + (started
                  ? "; the call ran, and what it changed was not kept"
                  : "; the call did not run")
              + "; look whether the database is there, then call again",
          session,
          started,
          problem);
      this.session = session;
      this.started = started;
      this.problem = problem;
    }

    /** What the store said. */
    public String problem() {
      return problem;
    }

    public String session() {
      return session;
    }

    /** Whether the call had run. */
    public boolean started() {
      return started;
    }

    /** True if the call had not run. */
    @Override
    public boolean retryable() {
      return !started;
    }
  }

  /** Whether the call's changes were kept cannot be known. */
  public static final class CommitUnknown extends PythonFailure {
    /** The version where that is not known either. */
    public static final long UNKNOWN_VERSION = -1;

    private final String session;
    private final long version;

    /**
     * For one session.
     *
     * @param version what the state has if the changes were kept, or {@link #UNKNOWN_VERSION}
     */
    public CommitUnknown(String session, long version, String problem) {
      super(
          "whether session '"
              + session
              + (version == UNKNOWN_VERSION
                  ? "' has kept the call's changes is not known, nor which version it has: "
                  : "' has reached version " + version + " is not known: ")
              + problem
              + "; look at its state before you call again",
          session,
          version,
          problem);
      this.session = session;
      this.version = version;
    }

    public String session() {
      return session;
    }

    /** The version that the state has if the changes were kept, or {@link #UNKNOWN_VERSION}. */
    public long version() {
      return version;
    }
  }

  // ---- a look at a worker

  /** The stacks of a worker cannot be had. */
  public static final class NoDump extends PythonFailure {
    /** Why. */
    public enum Reason {
      /** No such process is there, or it ended before it had answered. */
      GONE,
      /** It is there and wrote nothing in time. */
      SILENT
    }

    private final WorkerId worker;
    private final NoDump.Reason reason;

    public NoDump(WorkerId worker, NoDump.Reason reason, String problem) {
      super(
          "no stacks of worker "
              + worker
              + " ("
              + reason
              + "): "
              + problem
              + "; "
              + switch (reason) {
                case GONE -> "look in the pool's stats for the workers that there are";
                case SILENT -> "look with 'ps' at its state: one that is stopped answers nobody";
              },
          worker,
          reason,
          problem);
      this.worker = worker;
      this.reason = reason;
    }

    public WorkerId worker() {
      return worker;
    }

    public NoDump.Reason reason() {
      return reason;
    }

    /** True if it was silent: what kept it may pass. */
    @Override
    public boolean retryable() {
      return reason == NoDump.Reason.SILENT;
    }
  }

  // ---- set-up

  /** A setting is wrong. Thrown while settings are loaded, before anything starts. */
  public static final class InvalidSettings extends PythonFailure {
    private final String key;

    public InvalidSettings(String key, String problem) {
      super("setting '" + key + "' " + problem, key, problem);
      this.key = key;
    }

    /** The key, with its whole path. */
    public String key() {
      return key;
    }
  }

  /** A second pool asked for a name that is in use. */
  public static final class NameTaken extends PythonFailure {
    public NameTaken(String pool) {
      super(
          "a pool named '"
              + pool
              + "' runs in this actor system already: use it by"
              + " PythonPools.get(system).pool(\""
              + pool
              + "\"), or start another name",
          pool);
    }
  }

  /** Neither a pool nor a bridge runs under the name. */
  public static final class NotRunning extends PythonFailure {
    public NotRunning(String pool, String lookedFor) {
      super(
          "no pool or bridge named '"
              + pool
              + "' runs here ("
              + lookedFor
              + "): start one by"
              + " PythonPools.get(system).pool(\""
              + pool
              + "\") or PythonPool.start(system, settings)",
          pool,
          lookedFor);
    }
  }

  private static String resending(boolean started, boolean idempotent) {
    return started && !idempotent
        ? "; look at what it did before you send it again, or declare it idempotent"
        : "; it may be sent again";
  }

  private static String quote(List<String> tail) {
    return quote("last output", tail);
  }

  private static String quote(String what, List<String> lines) {
    Objects.requireNonNull(lines, what);
    if (lines.isEmpty()) {
      return "";
    }
    return "\n" + what + ":\n  | " + String.join("\n  | ", lines);
  }
}
