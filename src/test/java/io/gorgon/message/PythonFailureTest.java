package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.MissingNode;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The page of all failures: each is named where users look, is made somewhere, says what to do, and
 * allows another try only where that is documented. Each failure has its samples here.
 */
class PythonFailureTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);

  /** Made by what sends calls to other nodes; whoever adds that takes the name out of here. */
  private static final PythonException RAISED = PythonException.from(MissingNode.getInstance());

  /** A failure, and what its documentation says of trying again. */
  private record Sample(PythonFailure failure, boolean retryable) {}

  private static List<Sample> samples() {
    Stream<Sample> single =
        Stream.of(
            new Sample(new PythonRaised("m:f", WORKER, RAISED), false),
            new Sample(new BadArguments("m:f", "(x)", "missing x"), false),
            new Sample(new NotSerializable("m:f", "$.a", "no form"), false),
            new Sample(new TooLarge("the call", 2, 1), false),
            new Sample(new Cancelled("m:f", false, "you asked"), false),
            new Sample(new Cancelled("m:f", true, "you asked"), false),
            new Sample(lost(false, false), true),
            new Sample(lost(false, true), true),
            new Sample(lost(true, true), true),
            new Sample(lost(true, false), false),
            new Sample(new NodeLost("m:f", "n", "it left", false, false), true),
            new Sample(new NodeLost("m:f", "n", "it left", false, true), true),
            new Sample(new NodeLost("m:f", "n", "it left", true, true), true),
            new Sample(new NodeLost("m:f", "n", "it left", true, false), false),
            new Sample(new FailedElsewhere("New", "it", false, "it: look at its log"), false),
            new Sample(new FailedElsewhere("New", "it", true, "it: look at its log"), true),
            new Sample(new ProtocolViolation("garbage"), false),
            new Sample(new NotAStream("m:f", "int is no stream: let the function yield"), false),
            new Sample(new NestedTooDeep("m:f", 8), false),
            new Sample(new Overloaded("p", 1, 1, "2 busy"), true),
            new Sample(new NoCapacity("p", "all crash", List.of("last words")), true),
            new Sample(new Draining("p", false), true),
            new Sample(new Draining("p", true), true),
            new Sample(new SessionLost("s", WORKER), false),
            new Sample(new SessionConflict("s", 3), true),
            new Sample(new SessionExpired("s", Duration.ofSeconds(1)), false),
            new Sample(new SessionQuota("s", 2), true),
            new Sample(new StateTooNew("s", 2, 1), false),
            new Sample(new StoreUnavailable("s", false, "it"), true),
            new Sample(new StoreUnavailable("s", true, "it"), false),
            new Sample(new CommitUnknown("s", 4, "it"), false),
            new Sample(new CommitUnknown("s", CommitUnknown.UNKNOWN_VERSION, "it"), false),
            new Sample(new InvalidSettings("k", "must be 1..2"), false),
            new Sample(new NameTaken("p"), false),
            new Sample(new NotRunning("p", "looked here"), false));
    Stream<Sample> targets =
        Arrays.stream(UnknownTarget.Reason.values())
            .map(why -> new Sample(new UnknownTarget("m:f", why, "it", null), false));
    Stream<Sample> deadlines =
        Arrays.stream(DeadlineExceeded.Phase.values())
            .map(
                phase ->
                    new Sample(
                        new DeadlineExceeded("m:f", phase, Duration.ofSeconds(1), "at p"),
                        phase == DeadlineExceeded.Phase.QUEUED
                            || phase == DeadlineExceeded.Phase.STARTING));
    Set<StartFailed.Kind> passing =
        Set.of(StartFailed.Kind.HANDSHAKE, StartFailed.Kind.EXITED, StartFailed.Kind.TIMEOUT);
    Stream<Sample> starts =
        Arrays.stream(StartFailed.Kind.values())
            .map(kind -> new Sample(new StartFailed(kind, "it", ""), passing.contains(kind)));
    Set<CheckoutRefused.Reason> lasting =
        Set.of(
            CheckoutRefused.Reason.INVALID_KIND,
            CheckoutRefused.Reason.LEASE_ENDED,
            CheckoutRefused.Reason.OWNER_DEAD);
    Stream<Sample> refusals =
        Arrays.stream(CheckoutRefused.Reason.values())
            .map(why -> new Sample(new CheckoutRefused("p", why, "it"), !lasting.contains(why)));
    Stream<Sample> dumps =
        Arrays.stream(NoDump.Reason.values())
            .map(why -> new Sample(new NoDump(WORKER, why, "it"), why == NoDump.Reason.SILENT));
    return Stream.of(dumps, single, targets, deadlines, starts, refusals).flatMap(s -> s).toList();
  }

  private static WorkerLost lost(boolean started, boolean idempotent) {
    return new WorkerLost(
        "m:f", WORKER, Exit.signal(9), started, idempotent, "it died", List.of("last words"));
  }

  private static Set<String> permitted() {
    return Arrays.stream(PythonFailure.class.getPermittedSubclasses())
        .map(Class::getSimpleName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> words(String text) {
    return Pattern.compile("\\b[A-Z][a-z]+(?:[A-Z][a-z]*)*\\b")
        .matcher(text)
        .results()
        .map(found -> found.group())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyFailureHasSamplesHere() {
    assertThat(samples().stream().map(sample -> sample.failure().name()).distinct())
        .containsExactlyInAnyOrderElementsOf(permitted());
  }

  @Test
  void theTableInTheClassCommentNamesEveryFailureAndNothingElse() throws IOException {
    String source = Files.readString(Path.of("src/main/java/io/gorgon/message/PythonFailure.java"));
    String table = source.substring(source.indexOf("<pre>"), source.indexOf("</pre>"));

    assertThat(words(table)).contains("Python").isSubsetOf(and(permitted(), "Python"));
    assertThat(words(table)).containsAll(permitted());
  }

  @Test
  void theTableInTheReadmeNamesEveryFailureAndNothingElse() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    int start = readme.indexOf("| failure | says |");
    String table = readme.substring(start, readme.indexOf("\n\n", start));
    Set<String> named =
        Pattern.compile("`(\\w+)`")
            .matcher(table)
            .results()
            .map(found -> found.group(1))
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(named).isEqualTo(permitted());
  }

  private static Set<String> and(Set<String> names, String more) {
    var all = new TreeSet<String>(names);
    all.add(more);
    return all;
  }

  @Test
  void aFailureIsRetryableOnlyWhereThatIsDocumented() {
    for (Sample sample : samples()) {
      assertThat(sample.failure().retryable())
          .as(sample.failure().getMessage())
          .isEqualTo(sample.retryable());
    }
  }

  /**
   * What was raised speaks in Python's words; why a worker could not start, or was not lent, is
   * said by whoever knows, remedy included.
   */
  @Test
  void everyFailureSaysWhatToDo() {
    var remedy =
        Pattern.compile(
            "[:;,] (or )?(add|allow|change|declare|end|install|it may|let|look|mend|name|raise|send"
                + "|slow|start|try|use|write) ");
    for (Sample sample : samples()) {
      PythonFailure failure = sample.failure();
      if (failure instanceof PythonRaised
          || failure instanceof StartFailed
          || failure instanceof CheckoutRefused
          || failure instanceof InvalidSettings) {
        continue;
      }
      assertThat(failure.getMessage()).containsPattern(remedy);
    }
  }

  @Test
  void theLastOutputFollowsTheWords() {
    assertThat(lost(true, false)).hasMessageEndingWith("\nlast output:\n  | last words");
    assertThat(new NoCapacity("p", "why", List.of())).hasMessageNotContaining("last output");
  }

  @Test
  void aCommitWhoseVersionIsNotKnownEitherSaysSo() {
    assertThat(new CommitUnknown("s", 4, "it")).hasMessageContaining("reached version 4");
    assertThat(new CommitUnknown("s", CommitUnknown.UNKNOWN_VERSION, "it"))
        .hasMessageContaining("nor which version it has")
        .hasMessageNotContaining("-1");
  }

  @Test
  void aLostNodeNamesItselfAndTheCall() {
    assertThat(new NodeLost("m:f", "10.0.0.1:7355", "it left", true, false))
        .hasMessage(
            "node 10.0.0.1:7355 was lost (it left) while it may have run m:f; look at what it did"
                + " before you send it again, or declare it idempotent");
    assertThat(new NodeLost("m:f", "10.0.0.1:7355", "it left", false, false))
        .hasMessage(
            "node 10.0.0.1:7355 was lost (it left) before it ran m:f; it may be sent again");
  }

  @Test
  void noFailureCarriesTheStackOfTheThreadThatMadeIt() {
    for (Sample sample : samples()) {
      assertThat(sample.failure().getStackTrace()).isEmpty();
    }
  }

  @Test
  void everyFailureAndEveryEventIsMadeSomewhere() {
    JavaClasses main =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.gorgon");
    for (Class<?> family : List.of(PythonFailure.class, PoolEvent.class)) {
      for (Class<?> member : family.getPermittedSubclasses()) {
        assertThat(
                main.get(member).getConstructorCallsToSelf().stream()
                    .anyMatch(call -> !call.getOriginOwner().isEquivalentTo(member)))
            .as(member.getSimpleName() + " is made")
            .isTrue();
      }
    }
  }
}
