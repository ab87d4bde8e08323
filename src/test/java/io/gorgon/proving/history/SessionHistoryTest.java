package io.gorgon.proving.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Changed;
import io.gorgon.proving.history.Fact.CheckpointAsked;
import io.gorgon.proving.history.Fact.CheckpointKept;
import io.gorgon.proving.history.Fact.CheckpointRefused;
import io.gorgon.proving.history.Fact.Ended;
import io.gorgon.proving.history.Fact.InSession;
import io.gorgon.proving.history.Fact.Saw;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.StateRead;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.proving.history.Fact.Told;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The checker knows what sessions are; as {@link HistoryTest}. */
class SessionHistoryTest {

  /** The kinds of violation that befall sessions. */
  static final String BREACHES = "(CHANGE|SESSION|STATE)_.*";

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);
  private static final WorkerId OTHER = new WorkerId("p", 1, 1);

  private final History history = new History();
  private long now;

  private SessionHistoryTest add(Fact... facts) {
    for (Fact fact : facts) {
      history.add(fact);
    }
    return this;
  }

  private long tick() {
    return ++now;
  }

  private SessionHistoryTest asked(String call, Terms terms) {
    return add(new Asked(tick(), call, "n" + call, terms));
  }

  private SessionHistoryTest started(String call, String nonce) {
    return add(new Started(tick(), call, nonce, 7, WORKER, "p-" + call));
  }

  private SessionHistoryTest told(String call) {
    return add(new Told(tick(), call, "n" + call, WORKER, null));
  }

  private SessionHistoryTest failed(String call, Throwable failure) {
    return add(new Told(tick(), call, null, null, failure));
  }

  // ---- calls of the session k

  private static final Terms ANY = Terms.once(Duration.ofNanos(100), any -> true);

  private SessionHistoryTest sent(String call) {
    return asked(call, ANY).add(new InSession(tick(), call, "k"));
  }

  private SessionHistoryTest saw(String call, String... changes) {
    int size = changes.length;
    String owner = size == 0 ? Fact.NOBODY : "k";
    return add(new Saw(tick(), call, "k", owner, size, size, size == 0 ? "-" : changes[size - 1]));
  }

  private SessionHistoryTest changed(String call, int number) {
    return add(new Changed(tick(), call, call + "." + number));
  }

  /** Begins and changes something. */
  private SessionHistoryTest changing(String call, String... seen) {
    return started(call, "n" + call).saw(call, seen).changed(call, 0);
  }

  private SessionHistoryTest over(String call) {
    return add(new Ended(tick(), call, WORKER));
  }

  private SessionHistoryTest kept(String call, String... seen) {
    return changing(call, seen).over(call).told(call);
  }

  private SessionHistoryTest state(boolean last, String... changes) {
    int size = changes.length;
    String owner = size == 0 ? Fact.NOBODY : "k";
    return add(new StateRead(tick(), "k", size, owner, size, List.of(changes), last));
  }

  private static CommitUnknown unknown(long version) {
    return new CommitUnknown("k", version, "test");
  }

  /**
   * One that is kept, one that fails behind a checkpoint, one of which nothing is known, a look.
   */
  private void aSession() {
    sent("a").sent("b").kept("a");
    changing("b", "a.0").add(new CheckpointAsked(tick(), "b"));
    add(new CheckpointKept(tick(), "b", 2)).changed("b", 1).over("b").failed("b", lost());
    sent("u").changing("u", "a.0", "b.0").over("u").failed("u", unknown(3));
    sent("v").started("v", "nv").saw("v", "a.0", "b.0", "u.0").over("v").told("v");
    state(false, "a.0", "b.0", "u.0").state(true, "a.0", "b.0", "u.0");
  }

  private void plant(Breach breach) {
    switch (breach) {
      case CHANGE_LOST -> sent("a").kept("a").state(true);
      case CHANGE_DOUBLED -> sent("a").kept("a").state(true, "a.0", "a.0");
      case CHANGE_KEPT_THOUGH_FAILED ->
          sent("a").changing("a").over("a").failed("a", lost()).state(true, "a.0");
      case CHANGE_TORN ->
          sent("a").kept("a").add(new StateRead(tick(), "k", 1, "k", 0, List.of("a.0"), true));
      case CHANGE_UNDER_ANOTHER_VERSION ->
          sent("a").changing("a").over("a").failed("a", unknown(2)).state(true, "a.0");
      case SESSION_ORDER_BROKEN ->
          sent("a").sent("b").kept("b").kept("a", "b.0").state(true, "b.0", "a.0");
      case SESSION_OVERLAP -> {
        sent("a").sent("b").changing("a");
        add(new Started(tick(), "b", "nb", 8, OTHER, "p-b")).saw("b").over("a").told("a");
        add(new Told(tick(), "b", "nb", OTHER, null)).state(true, "a.0");
      }
      case STATE_OF_ANOTHER -> {
        sent("a").started("a", "na").add(new Saw(tick(), "a", "k", "j", 1, 1, "x.0"));
        over("a").told("a").state(true);
      }
      case STATE_NEVER_KEPT -> {
        sent("a").changing("a").over("a").failed("a", lost());
        sent("b").started("b", "nb").saw("b", "a.0").over("b").told("b").state(true);
      }
      case STATE_STALE -> {
        sent("a").kept("a").sent("b").started("b", "nb").saw("b").over("b").told("b");
        state(true, "a.0");
      }
      default -> throw new AssertionError(breach + " is not planted");
    }
  }

  private static PythonFailure lost() {
    return new PythonFailure.WorkerLost(
        "t", WORKER, Exit.signal(9), true, false, "test", List.of());
  }

  @Test
  void inGoodOrderThereIsNothingToFind() {
    aSession();

    assertThat(history.violations()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = BREACHES)
  void whatIsPlantedIsFoundByItsNameWithItsHistoryAndNothingElse(Breach breach) {
    plant(breach);

    List<Violation> found = history.violations();

    assertThat(found).extracting(Violation::breach).containsExactly(breach);
    assertThat(found.get(0).history())
        .isNotEmpty()
        .isSortedAccordingTo((one, other) -> Long.compare(one.at(), other.at()));
    assertThat(found.get(0).toString()).startsWith(breach + ": session k").contains(" ms  ");
  }

  private void findsOnly(Breach breach) {
    assertThat(history.violations()).extracting(Violation::breach).containsExactly(breach);
  }

  @Test
  void whatACheckpointHasKeptMustStayThoughTheCallFails() {
    sent("a").changing("a").add(new CheckpointAsked(tick(), "a"));
    add(new CheckpointKept(tick(), "a", 1)).over("a").failed("a", lost()).state(true);

    findsOnly(Breach.CHANGE_LOST);
  }

  @Test
  void aCheckpointThatWasRefusedMustNotBeKept() {
    sent("a").changing("a").add(new CheckpointAsked(tick(), "a"));
    add(new CheckpointRefused(tick(), "a", PythonFailure.StoreUnavailable.class.getName()));
    over("a").failed("a", lost()).state(true, "a.0");

    findsOnly(Breach.CHANGE_KEPT_THOUGH_FAILED);
  }

  @Test
  void aCheckpointThatHadNoAnswerMayBeKept() {
    sent("a").changing("a").add(new CheckpointAsked(tick(), "a")).failed("a", lost());
    state(true, "a.0");

    assertThat(history.violations()).isEmpty();
  }

  @Test
  void aCheckpointsVersionIsThePlaceOfItsChange() {
    sent("a").changing("a").add(new CheckpointAsked(tick(), "a"));
    add(new CheckpointKept(tick(), "a", 7)).over("a").failed("a", lost()).state(true, "a.0");

    findsOnly(Breach.CHANGE_UNDER_ANOTHER_VERSION);
  }

  @Test
  void theStoresVersionCountsTheChanges() {
    sent("a").kept("a").add(new StateRead(tick(), "k", 2, "k", 1, List.of("a.0"), true));

    findsOnly(Breach.CHANGE_UNDER_ANOTHER_VERSION);
  }

  @Test
  void whatIsKeptStandsInTheOrderInWhichItWasMade() {
    sent("a").changing("a").over("a").failed("a", unknown(2));
    sent("b").kept("b").state(true, "b.0", "a.0");

    findsOnly(Breach.SESSION_ORDER_BROKEN);
  }

  @Test
  void anotherSessionsChangeInTheLastStateIsFound() {
    sent("a").kept("a");
    asked("x", ANY).add(new InSession(tick(), "x", "j")).started("x", "nx").over("x").told("x");
    state(true, "a.0", "x.0");

    findsOnly(Breach.STATE_OF_ANOTHER);
  }

  @Test
  void theStateThatTheJvmReadsIsHeldAgainstTheLastOneToo() {
    sent("a").kept("a").state(false).state(true, "a.0");

    findsOnly(Breach.STATE_STALE);
  }

  @Test
  void theLinesOfPythonAreRead(@TempDir Path directory) throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("journal"),
            "V 7 q k - 0 0 -\nW 8 q q.0\nC 9 q\nK 10 q 1\nX 11 q java.lang.Oops\n");
    history.addJournal(file);

    assertThat(history.all(Fact.class))
        .containsExactly(
            new Saw(7, "q", "k", Fact.NOBODY, 0, 0, "-"),
            new Changed(8, "q", "q.0"),
            new CheckpointAsked(9, "q"),
            new CheckpointKept(10, "q", 1),
            new CheckpointRefused(11, "q", "java.lang.Oops"));
  }
}
