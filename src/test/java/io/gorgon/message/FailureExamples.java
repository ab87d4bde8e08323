package io.gorgon.message;

import io.gorgon.message.PythonFailure.BadArguments;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.FailedElsewhere;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.message.PythonFailure.NameTaken;
import io.gorgon.message.PythonFailure.NestedTooDeep;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.PythonFailure.NodeLost;
import io.gorgon.message.PythonFailure.NotAStream;
import io.gorgon.message.PythonFailure.NotRunning;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionLost;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.PythonFailure.StateTooNew;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.PythonFailure.UnknownTarget;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Failures of every kind, with each of their choices and with text that is hard to carry. */
final class FailureExamples {

  static final WorkerId WORKER = new WorkerId("p/ü \"x\"", 3, Long.MAX_VALUE);
  private static final String TEXT = "line 1\nline 2 \t \"quoted\" \\ \0 ü 世 \uD83D\uDC0D";

  private FailureExamples() {}

  static Stream<PythonFailure> all() {
    return Stream.of(single(), choices(), losses(), raised()).flatMap(some -> some);
  }

  private static Stream<PythonFailure> single() {
    return Stream.of(
        new BadArguments("m:f", "(x, /)", TEXT),
        new NotAStream("m:f", TEXT),
        new NotSerializable("m:f", "$.a[1]", TEXT),
        new TooLarge("the call", Long.MAX_VALUE, 1),
        new Cancelled("m:f", false, TEXT),
        new Cancelled("m:f", true, ""),
        new NestedTooDeep("m:f", 8),
        new ProtocolViolation(TEXT),
        new FailedElsewhere("SessionMoved", TEXT, true, "which is new: look at it"),
        new FailedElsewhere("SessionMoved", TEXT, false, "which is new: look at it"),
        new Overloaded("p", 1, Integer.MAX_VALUE, TEXT),
        new NoCapacity("p", TEXT, List.of("last", "words")),
        new NoCapacity("p", TEXT, List.of()),
        new Draining("p", false),
        new Draining("p", true),
        new SessionLost("s", WORKER),
        new SessionConflict("s", 3),
        new SessionExpired("s", Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)),
        new SessionExpired("s", Duration.ofNanos(1)),
        new SessionQuota("s", 1L << 60),
        new StateTooNew("s", 2, 1),
        new StoreUnavailable("s", false, TEXT),
        new StoreUnavailable("s", true, TEXT),
        new CommitUnknown("s", 4, TEXT),
        new CommitUnknown("s", CommitUnknown.UNKNOWN_VERSION, TEXT),
        new InvalidSettings("gorgon.pool.k", "must be 1..2"),
        new NameTaken("p"),
        new NotRunning("p", "looked here"));
  }

  private static Stream<PythonFailure> choices() {
    Stream<PythonFailure> targets =
        Stream.of(UnknownTarget.Reason.values())
            .map(
                why ->
                    new UnknownTarget(
                        "m:f",
                        why,
                        TEXT,
                        why == UnknownTarget.Reason.IMPORT_FAILED ? exception() : null));
    Stream<PythonFailure> deadlines =
        Stream.of(DeadlineExceeded.Phase.values())
            .map(phase -> new DeadlineExceeded("m:f", phase, Duration.ofMillis(1_234_567), "at p"));
    Stream<PythonFailure> starts =
        Stream.of(StartFailed.Kind.values())
            .map(kind -> new StartFailed(kind, TEXT, "out\n" + TEXT));
    Stream<PythonFailure> refusals =
        Stream.of(CheckoutRefused.Reason.values()).map(why -> new CheckoutRefused("p", why, TEXT));
    Stream<PythonFailure> dumps =
        Stream.of(NoDump.Reason.values()).map(why -> new NoDump(WORKER, why, TEXT));
    return Stream.of(targets, deadlines, starts, refusals, dumps).flatMap(some -> some);
  }

  private static Stream<PythonFailure> losses() {
    return Stream.of(true, false)
        .flatMap(
            started ->
                Stream.of(true, false)
                    .flatMap(
                        idempotent ->
                            Stream.of(
                                lost(Exit.UNKNOWN, started, idempotent, List.of()),
                                lost(Exit.code(3), started, idempotent, List.of("a", TEXT)),
                                lost(Exit.signal(9), started, idempotent, List.of("")),
                                new NodeLost("m:f", "n:7355", "it left", started, idempotent))));
  }

  private static Stream<PythonFailure> raised() {
    PythonException simple = exception("ValueError", null);
    PythonRaised whole = raised(exception());
    return Stream.of(
        whole,
        raised(simple),
        whole.calledFrom(new StackTraceElement("shop.Orders", "place", "Orders.java", 12)));
  }

  static WorkerLost lost(Exit exit, boolean started, boolean idempotent, List<String> tail) {
    return new WorkerLost("m:f", WORKER, exit, started, idempotent, "it died", tail);
  }

  static PythonRaised raised(PythonException exception) {
    return new PythonRaised("m:f", WORKER, exception);
  }

  /** One with everything: notes, frames, a chain of causes, a group with members of the same. */
  static PythonException exception() {
    PythonException root = exception("OSError", null);
    PythonException cause = exception("LookupError", root);
    return exception("ExceptionGroup", cause, exception("ValueError", root), cause);
  }

  static PythonException exception(
      String type, @Nullable PythonException cause, PythonException... group) {
    return new PythonException(
        type,
        "shop",
        List.of("shop." + type, "builtins.Exception"),
        TEXT,
        List.of("a note", TEXT),
        List.of(
            new PythonFrame("shop.py", 1, "place", "order()"),
            new PythonFrame("<string>", 0, "<lambda>", null)),
        cause,
        Arrays.asList(group),
        "Traceback\n" + TEXT);
  }
}
