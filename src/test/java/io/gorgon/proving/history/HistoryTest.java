package io.gorgon.proving.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.history.Fact.Answer;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.CancelTaken;
import io.gorgon.proving.history.Fact.Element;
import io.gorgon.proving.history.Fact.Ended;
import io.gorgon.proving.history.Fact.Event;
import io.gorgon.proving.history.Fact.GivenBack;
import io.gorgon.proving.history.Fact.Held;
import io.gorgon.proving.history.Fact.Question;
import io.gorgon.proving.history.Fact.Served;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.StreamOver;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.proving.history.Fact.Told;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The checker finds every kind of violation that is planted, names it, and finds no other; those of
 * sessions are planted by {@link SessionHistoryTest}.
 */
class HistoryTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);
  private static final WorkerId OTHER = new WorkerId("p", 1, 1);
  private static final Terms ONCE =
      Terms.once(Duration.ofNanos(100), PythonFailure.WorkerLost.class::isInstance);
  private static final Terms STREAM = ONCE.streaming(3);

  private final History history = new History();
  private long now;

  private HistoryTest add(Fact... facts) {
    for (Fact fact : facts) {
      history.add(fact);
    }
    return this;
  }

  private long tick() {
    return ++now;
  }

  private HistoryTest asked(String call, Terms terms) {
    return add(new Asked(tick(), call, "n" + call, terms));
  }

  private HistoryTest ran(String call) {
    return started(call, "n" + call).add(new Ended(tick(), call, WORKER));
  }

  private HistoryTest started(String call, String nonce) {
    return add(new Started(tick(), call, nonce, 7, WORKER, "p-" + call));
  }

  private HistoryTest told(String call) {
    return add(new Told(tick(), call, "n" + call, WORKER, null));
  }

  private HistoryTest failed(String call, Throwable failure) {
    return add(new Told(tick(), call, null, null, failure));
  }

  private HistoryTest elements(long... indices) {
    for (long index : indices) {
      add(new Element(tick(), "s", index, "ns/" + index));
    }
    return this;
  }

  private HistoryTest over(Throwable failure) {
    return add(new StreamOver(tick(), "s", failure));
  }

  private HistoryTest question(long number) {
    return add(new Question(tick(), "q", number));
  }

  private HistoryTest served(long number, String id) {
    return add(new Served(tick(), "q", number, id));
  }

  private HistoryTest answer(long number, String value) {
    return add(new Answer(tick(), "q", number, value));
  }

  private HistoryTest event(PoolEvent event) {
    return add(new Event(tick(), event));
  }

  private HistoryTest ready() {
    return event(new PoolEvent.WorkerReady(WORKER, 7));
  }

  private HistoryTest gone() {
    return event(new PoolEvent.WorkerGone(WORKER, Exit.signal(9), "test", false));
  }

  private HistoryTest granted(long lease) {
    return event(new PoolEvent.LeaseGranted(WORKER, lease, null));
  }

  private HistoryTest ended(long lease, String how) {
    return event(new PoolEvent.LeaseEnded(WORKER, lease, how));
  }

  private static Cancelled cancelled(boolean started) {
    return new Cancelled("t", started, "by its caller");
  }

  private static DeadlineExceeded late() {
    return new DeadlineExceeded("t", DeadlineExceeded.Phase.RUNNING, Duration.ofMillis(1), "p/0.1");
  }

  /** A call, a stream, a question, a cancel, a lease, in good order. */
  private void goodOrder() {
    ready();
    asked("1", ONCE).ran("1").told("1");
    asked("s", STREAM).started("s", "ns").elements(0, 1, 2);
    add(new Ended(tick(), "s", WORKER)).over(null).told("s");
    asked("q", ONCE).started("q", "nq").question(0).served(0, "p-q").answer(0, "nq/0");
    add(new Ended(tick(), "q", WORKER)).told("q");
    asked("c", ONCE).add(new CancelTaken(tick(), "c")).failed("c", cancelled(false));
    asked("f", Terms.once(Duration.ofNanos(100), Draining.class::isInstance));
    failed("f", new Draining("p", false));
    granted(1).add(new Held(tick(), 1, WORKER));
    asked("l", ONCE.under(1)).ran("l").told("l");
    add(new GivenBack(tick(), 1, WORKER)).ended(1, "returned CLEAN");
    gone().event(new PoolEvent.PoolStopped("p"));
  }

  private void plant(Breach breach) {
    switch (breach) {
      case UNANSWERED -> asked("1", ONCE).ran("1");
      case ANSWERED_TWICE -> asked("1", ONCE).ran("1").told("1").told("1");
      case LATE -> {
        asked("1", ONCE).ran("1");
        now += CallRules.GRACE.toNanos() + 100;
        told("1");
      }
      case BARE_TIMEOUT -> asked("1", ONCE).failed("1", new TimeoutException());
      case UNTYPED -> asked("1", ONCE).failed("1", new IllegalStateException("a bug"));
      case NOT_ITS_FAULT -> asked("1", ONCE).ran("1").failed("1", late());
      case RAN_TOO_OFTEN -> asked("1", ONCE).ran("1").ran("1").told("1");
      case RAN_ALL_THE_SAME ->
          asked("1", ONCE).add(new CancelTaken(tick(), "1")).failed("1", cancelled(false)).ran("1");
      case ANSWERED_WITHOUT_RUNNING -> asked("1", ONCE).told("1");
      case CROSSED_IN -> asked("1", ONCE).started("1", "n2").told("1");
      case CROSSED_OUT -> asked("1", ONCE).ran("1").add(new Told(tick(), "1", "n2", WORKER, null));
      case WRONG_WORKER -> asked("1", ONCE).ran("1").add(new Told(tick(), "1", "n1", OTHER, null));
      case INVENTED -> ran("1");
      case CANCELLED_BY_NOBODY -> asked("1", ONCE).ran("1").failed("1", cancelled(true));
      case CANCEL_IGNORED -> asked("1", ONCE).add(new CancelTaken(tick(), "1")).ran("1").told("1");
      case ELEMENT_TWICE -> asked("s", STREAM).ran("s").elements(0, 1, 1, 2).over(null).told("s");
      case ELEMENT_OUT_OF_ORDER ->
          asked("s", STREAM).ran("s").elements(0, 2, 1).over(null).told("s");
      case ELEMENT_MISSING -> // of one that fails, what came must be the first ones all the same
          asked("s", STREAM).ran("s").elements(0, 2).over(late()).failed("s", lost());
      case ELEMENT_WRONG -> {
        asked("s", STREAM).ran("s").elements(0).add(new Element(tick(), "s", 1, "nt/1"));
        elements(2).over(null).told("s");
      }
      case ELEMENT_AFTER_END ->
          asked("s", STREAM).ran("s").elements(0).over(lost()).elements(1).failed("s", lost());
      case STREAM_CUT_SHORT -> asked("s", STREAM).ran("s").elements(0, 1).over(null).told("s");
      case STREAM_ENDLESS -> asked("s", STREAM).ran("s").elements(0, 1, 2).told("s");
      case STREAM_AND_CALL_DIFFER ->
          asked("s", STREAM).ran("s").elements(0, 1, 2).over(lost()).told("s");
      case QUESTION_SERVED_TWICE -> {
        asked("q", ONCE).ran("q").question(0).served(0, "p-q").served(0, "p-q");
        answer(0, "nq/0").told("q");
      }
      case QUESTION_NOT_SERVED -> asked("q", ONCE).ran("q").question(0).answer(0, "nq/0").told("q");
      case QUESTION_ANSWERED_TWICE -> {
        asked("q", ONCE).ran("q").question(0).served(0, "p-q");
        answer(0, "nq/0").answer(0, "nq/0").told("q");
      }
      case QUESTION_UNANSWERED -> asked("q", ONCE).ran("q").question(0).served(0, "p-q").told("q");
      case QUESTION_CROSSED -> {
        asked("q", ONCE).ran("q").question(0).served(0, "p-q");
        answer(0, "n1/0").told("q");
      }
      case QUESTION_OF_ANOTHER_CALL -> {
        asked("q", ONCE).ran("q").question(0).served(0, "p-1");
        answer(0, "nq/0").told("q");
      }
      case QUESTION_INVENTED -> asked("q", ONCE).ran("q").served(4, "p-q").told("q");
      case TWO_AT_ONCE -> {
        asked("1", ONCE).asked("2", ONCE).started("1", "n1").started("2", "n2");
        add(new Ended(tick(), "1", WORKER), new Ended(tick(), "2", WORKER)).told("1").told("2");
      }
      case RAN_BESIDE_A_LEASE ->
          asked("1", ONCE).add(new Held(tick(), 1, WORKER)).ran("1").told("1");
      case LEASES_OVERLAP -> ready().granted(1).granted(2).ended(1, "a").ended(2, "b");
      case LEASE_LEAKED -> ready().granted(1);
      case LEASE_ENDED_UNGRANTED -> ready().granted(1).ended(1, "a").ended(1, "a");
      case LEASED_UNREADY -> granted(1).ended(1, "a");
      case REUSED_AFTER_DIRTY_END ->
          ready().granted(1).ended(1, "revoked in use").granted(2).ended(2, "a");
      case READY_OUT_OF_TURN -> ready().ready();
      case GONE_TWICE -> ready().gone().gone();
      case RAN_AFTER_GONE -> ready().asked("1", ONCE).gone().ran("1").told("1");
      case NEVER_GONE -> ready().event(new PoolEvent.PoolStopped("p"));
      default -> throw new AssertionError(breach + " is not planted");
    }
  }

  private static PythonFailure lost() {
    return new PythonFailure.WorkerLost(
        "t", WORKER, Exit.signal(9), true, false, "test", List.of());
  }

  @Test
  void inGoodOrderThereIsNothingToFind() {
    goodOrder();

    assertThat(history.violations()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = SessionHistoryTest.BREACHES)
  void whatIsPlantedIsFoundByItsNameWithItsHistoryAndNothingElse(Breach breach) {
    plant(breach);

    List<Violation> found = history.violations();

    assertThat(found).extracting(Violation::breach).containsExactly(breach);
    assertThat(found.get(0).history())
        .isNotEmpty()
        .isSortedAccordingTo((one, other) -> Long.compare(one.at(), other.at()));
    assertThat(found.get(0).toString())
        .startsWith(breach + ": " + found.get(0).subject())
        .contains(" ms  ");
  }

  /** The dirty end that a caller sees, and not the pool's events. */
  @Test
  void aCallThatIsMadeAfterADeadlineStruckRunsOnAnotherIncarnation() {
    asked("1", new Terms(1, Duration.ofSeconds(1), -1, 0, any -> true)).started("1", "n1");
    failed("1", late()).asked("2", ONCE).ran("2").told("2");

    assertThat(history.violations())
        .extracting(Violation::breach)
        .containsExactly(Breach.REUSED_AFTER_DIRTY_END);
  }

  /** Its answer was on its way when the deadline struck: the worker was done with it. */
  @Test
  void aCallThatHadEndedWhenItsDeadlineStruckLeavesItsWorkerClean() {
    asked("1", new Terms(1, Duration.ofSeconds(1), -1, 0, any -> true)).ran("1");
    failed("1", late()).asked("2", ONCE).ran("2").told("2");

    assertThat(history.violations()).isEmpty();
  }

  @Test
  void theLinesOfPythonAreRead(@TempDir Path directory) throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("journal"),
            "S 2 q nq 77 a/b/3.4 p-9\nQ 3 q 0\nA 5 q 0 nq/0\nE 6 q a/b/3.4\n");
    history.addJournal(file);

    var worker = new WorkerId("a/b", 3, 4);
    assertThat(history.all(Fact.class))
        .containsExactly(
            new Started(2, "q", "nq", 77, worker, "p-9"),
            new Question(3, "q", 0),
            new Answer(5, "q", 0, "nq/0"),
            new Ended(6, "q", worker));
  }
}
