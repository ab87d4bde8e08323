package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.gorgon.message.PythonFailure.FailedElsewhere;
import io.gorgon.message.PythonFailure.NotAStream;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every failure arrives at another node as it left, and whatever arrives is a failure. */
class FailureFormTest {

  private static final ObjectMapper WIRE = JsonMapper.builder().build();

  static Stream<PythonFailure> examples() {
    return FailureExamples.all();
  }

  @Test
  void everyFailureHasAnExample() {
    assertThat(examples().map(Object::getClass).distinct())
        .containsExactlyInAnyOrder(PythonFailure.class.getPermittedSubclasses());
  }

  @Test
  void noTwoFailuresShareAName() {
    assertThat(PythonFailure.class.getPermittedSubclasses())
        .extracting(Class::getSimpleName)
        .doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyFailureArrivesAsItLeft(PythonFailure failure) throws Exception {
    assertEqual(travelled(FailureForm.of(failure)).failure(), failure);
  }

  @ParameterizedTest
  @MethodSource("examples")
  void aFailureCanGoOnToAThirdNode(PythonFailure failure) {
    assertEqual(FailureForm.of(FailureForm.of(failure).failure()).failure(), failure);
  }

  /** The Java frames of a caller are his own; Python's are those that arrive. */
  private static void assertEqual(PythonFailure arrived, PythonFailure left) throws AssertionError {
    assertThat(arrived).hasSameClassAs(left).hasMessage(left.getMessage());
    for (Method accessor : left.getClass().getMethods()) {
      if (PythonFailure.class.isAssignableFrom(accessor.getDeclaringClass())
          && accessor.getParameterCount() == 0
          && accessor.getReturnType() != Throwable.class
          && !Modifier.isStatic(accessor.getModifiers())) {
        assertThat(read(accessor, arrived)).as(accessor.getName()).isEqualTo(read(accessor, left));
      }
    }
    assertThat(arrived.getStackTrace())
        .containsExactly(
            Arrays.stream(left.getStackTrace())
                .filter(frame -> frame.getClassName().equals("python"))
                .toArray(StackTraceElement[]::new));
    assertEqual(
        arrived.getCause() == null ? List.of() : List.of(arrived.getCause()),
        left.getCause() == null ? List.of() : List.of(left.getCause()));
    assertEqual(List.of(arrived.getSuppressed()), List.of(left.getSuppressed()));
  }

  private static void assertEqual(List<Throwable> arrived, List<Throwable> left) {
    assertThat(arrived).hasSameSizeAs(left);
    for (int i = 0; i < left.size(); i++) {
      assertEqual((PythonFailure) arrived.get(i), (PythonFailure) left.get(i));
    }
  }

  private static @Nullable Object read(Method accessor, PythonFailure failure) {
    try {
      return accessor.invoke(failure);
    } catch (ReflectiveOperationException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static FailureForm travelled(FailureForm form) throws IOException {
    return WIRE.readValue(WIRE.writeValueAsBytes(form), FailureForm.class);
  }

  // ---- what is no failure of a call

  @Test
  void anExceptionOfAnyOtherKindArrivesWithItsClassItsMessageAndItsCauses() {
    var cause = new IOException("disk full");
    PythonFailure arrived = FailureForm.of(new IllegalStateException("boom", cause)).failure();

    assertThat(arrived)
        .isInstanceOf(FailedElsewhere.class)
        .hasMessage(
            "another node failed with java.lang.IllegalStateException (boom; caused by"
                + " java.io.IOException: disk full), which is no failure of a call: look at that"
                + " node's log, or report a bug");
    assertThat(arrived.retryable()).isFalse();
  }

  @Test
  void whatWrapsAFailureIsTakenOff() {
    var conflict = new SessionConflict("s", 3);
    var wrapped = new CompletionException(new ExecutionException(conflict));

    assertEqual(FailureForm.of(wrapped).failure(), conflict);
  }

  @Test
  void anExceptionWhoseMessageCannotBeReadStillArrives() {
    var mute =
        new RuntimeException() {
          @Override
          public String getMessage() {
            throw new IllegalStateException("not now");
          }
        };

    assertThat(FailureForm.of(mute).failure()).hasMessageContaining("cannot be read");
  }

  @Test
  void causesInACircleEnd() {
    var one = new IllegalStateException("one");
    one.initCause(new IllegalStateException("two", one));

    assertThat(FailureForm.of(one).failure()).hasMessageContaining("two");
  }

  // ---- what this node does not know

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFailureThatOnlyNewerNodesKnowKeepsItsNameItsWordsAndItsRetryable(boolean retryable) {
    var form = new FailureForm("SessionMoved", "it moved", retryable, json("[1]"));

    assertThat(form.failure())
        .isInstanceOfSatisfying(
            FailedElsewhere.class,
            arrived -> {
              assertThat(arrived.kind()).isEqualTo("SessionMoved");
              assertThat(arrived.said()).isEqualTo("it moved");
              assertThat(arrived.retryable()).isEqualTo(retryable);
              assertThat(arrived).hasMessageContaining("let the upgrade of all nodes");
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "PythonFailure",
        "java.lang.String",
        "io.gorgon.message.PythonFailure$SessionConflict",
        "PythonFailure$SessionConflict",
        "sessionconflict",
        "SessionConflict "
      })
  void noOtherNameNamesAClass(String kind) {
    assertThat(new FailureForm(kind, "it", false, json("[\"s\", 3]")).failure())
        .isInstanceOf(FailedElsewhere.class);
  }

  @Test
  void aPartThatANewerNodeAddedToAnExceptionIsPassedOver() throws Exception {
    PythonRaised left = FailureExamples.raised(FailureExamples.exception());
    FailureForm form = FailureForm.of(left);
    String text = new String(form.arguments(), StandardCharsets.UTF_8);
    String newer = text.replace("{\"type\":", "{\"severity\":[7],\"type\":");

    assertThat(newer).isNotEqualTo(text);
    assertEqual(new FailureForm(form.kind(), form.message(), false, json(newer)).failure(), left);
  }

  // ---- what is broken

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "SessionConflict | ''",
        "SessionConflict | null",
        "SessionConflict | {}",
        "SessionConflict | []",
        "SessionConflict | [\"s\"]",
        "SessionConflict | [\"s\", 3",
        "SessionConflict | [\"s\", 3, 4]",
        "SessionConflict | [\"s\", 3] 4",
        "SessionConflict | [null, 3]",
        "SessionConflict | [3, 3]",
        "SessionConflict | [\"s\", null]",
        "SessionConflict | [\"s\", \"3\"]",
        "SessionConflict | [\"s\", 3.5]",
        "SessionConflict | [\"s\", true]",
        "SessionConflict | [\"s\", 99999999999999999999]",
        "SessionConflict | [\"s\", {\"a\": []}]",
        "Cancelled       | [\"m:f\", 1, \"why\"]",
        "Cancelled       | [\"m:f\", \"true\", \"why\"]",
        "CheckoutRefused | [\"p\", \"GONE_FISHING\", \"why\"]",
        "CheckoutRefused | [\"p\", 0, \"why\"]",
        "NoCapacity      | [\"p\", \"why\", \"no list\"]",
        "NoCapacity      | [\"p\", \"why\", [null]]",
        "NoCapacity      | [\"p\", \"why\", [[]]]",
        "SessionExpired  | [\"s\", \"soon\"]",
        "SessionLost     | [\"s\", {\"slot\": 1, \"generation\": 1}]",
        "SessionLost     | [\"s\", []]",
        "PythonRaised    | [\"m:f\", {\"pool\": \"p\", \"slot\": 1, \"generation\": 1}, {}]",
        "PythonRaised    | [\"m:f\", {\"pool\": \"p\", \"slot\": 1, \"generation\": 1}, null]",
      })
  void partsThatDoNotFitKeepTheNameAndTheWords(String kind, String arguments) {
    assertThat(new FailureForm(kind, "it", true, json(arguments)).failure())
        .isInstanceOfSatisfying(
            FailedElsewhere.class,
            arrived -> {
              assertThat(arrived.kind()).isEqualTo(kind);
              assertThat(arrived.said()).isEqualTo("it");
              assertThat(arrived.retryable()).isTrue();
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"type", "module", "message", "traceback", "classes", "group", "frames"})
  void anExceptionWithoutOneOfItsPartsIsNotMade(String part) throws Exception {
    FailureForm form = FailureForm.of(FailureExamples.raised(FailureExamples.exception()));
    String text = new String(form.arguments(), StandardCharsets.UTF_8);
    String without = text.replace("\"" + part + "\":", "\"another\":");

    assertThat(without).isNotEqualTo(text);
    assertThat(new FailureForm(form.kind(), "it", false, json(without)).failure())
        .isInstanceOf(FailedElsewhere.class);
  }

  @Test
  void aFormWithoutAnythingInItIsAFailure() throws Exception {
    assertThat(WIRE.readValue("{}", FailureForm.class).failure())
        .isInstanceOf(FailedElsewhere.class)
        .hasMessageContaining("something without a name");
  }

  @Test
  void nestingWithoutAnEndIsRefused() {
    String deep = "{\"cause\":".repeat(100_000);

    assertThat(new FailureForm("PythonRaised", "it", false, json("[\"m:f\",{}," + deep)).failure())
        .isInstanceOf(FailedElsewhere.class);
  }

  @Test
  void partsWithoutAnEndAreNotRead() {
    String large = "[\"m:f\", \"" + "x".repeat(FailureParts.MOST_READ) + "\"]";

    assertThat(new FailureForm("NotAStream", "it", false, json(large)).failure())
        .isInstanceOf(FailedElsewhere.class);
  }

  @Test
  void whateverBytesArriveGiveAFailure() {
    var random = new Random(5);
    List<FailureForm> forms = examples().map(FailureForm::of).toList();
    int broken = 0;
    for (int round = 0; round < 20_000; round++) {
      FailureForm sound = forms.get(random.nextInt(forms.size()));
      FailureForm other = forms.get(random.nextInt(forms.size()));
      String kind = random.nextInt(8) == 0 ? other.kind() : sound.kind();
      PythonFailure arrived =
          new FailureForm(kind, sound.message(), false, mutated(sound.arguments(), random))
              .failure();
      assertThat(arrived.getMessage()).as("round %d, %s", round, kind).isNotBlank();
      broken += arrived instanceof FailedElsewhere ? 1 : 0;
    }
    assertThat(broken).isBetween(5_000, 19_999);
  }

  private static byte[] mutated(byte[] sound, Random random) {
    byte[] bytes = sound.clone();
    for (int i = random.nextInt(4); i >= 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = (byte) "[]{},:\"\\0-.e".charAt(random.nextInt(12));
        default -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
      }
    }
    return bytes;
  }

  private static byte[] json(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  // ---- what is huge

  @Test
  void whatPythonSendsOfOneExceptionAtMostArrivesWhole() {
    var frame = new PythonFrame("f".repeat(500), 1, "g", "h".repeat(100));
    var large =
        new PythonException(
            "T",
            "m",
            Collections.nCopies(16, "c".repeat(500)),
            "m".repeat(16_384),
            Collections.nCopies(16, "n".repeat(500)),
            Collections.nCopies(101, frame),
            null,
            List.of(),
            "t".repeat(32_768));

    assertEqual(
        FailureForm.of(FailureExamples.raised(large)).failure(), FailureExamples.raised(large));
  }

  @Test
  void aHugeTailKeepsItsLastLines() throws Exception {
    List<String> tail = IntStream.range(0, 100_000).mapToObj(i -> "line " + i).toList();
    WorkerLost left = FailureExamples.lost(Exit.signal(9), true, false, tail);

    FailureForm form = FailureForm.of(left);

    assertSmall(form);
    assertThat(form.failure())
        .isInstanceOfSatisfying(
            WorkerLost.class,
            arrived -> {
              assertThat(arrived.tail()).hasSize(128).endsWith("line 99998", "line 99999");
              assertThat(arrived.exit()).isEqualTo(Exit.signal(9));
              assertThat(arrived.worker()).isEqualTo(left.worker());
              assertThat(arrived.started()).isTrue();
              assertThat(arrived.retryable()).isFalse();
            });
  }

  @Test
  void aHugeTextKeepsBothEndsAndSaysWhatItLost() throws Exception {
    FailureForm form = FailureForm.of(new NotAStream("m:f", "a" + "世".repeat(10_000_000) + "z"));

    assertSmall(form);
    assertThat(form.failure())
        .isInstanceOf(NotAStream.class)
        .hasMessageStartingWith("m:f gave no stream: a世")
        .hasMessageContaining("characters left out")
        .hasMessageEndingWith("世z");
  }

  @Test
  void hugeChainsAndGroupsKeepWhatIsNearest() throws Exception {
    PythonException chain = FailureExamples.exception("Root", null);
    for (int i = 0; i < 100; i++) {
      chain = FailureExamples.exception("Link" + i, chain);
    }
    PythonException wide = chain;
    for (int i = 0; i < 2; i++) {
      wide =
          FailureExamples.exception(
              "Group" + i, chain, Collections.nCopies(20, wide).toArray(PythonException[]::new));
    }

    FailureForm form = FailureForm.of(FailureExamples.raised(wide));

    assertSmall(form);
    assertThat(form.failure())
        .isInstanceOfSatisfying(
            PythonRaised.class,
            arrived -> {
              assertThat(arrived.type()).isEqualTo("Group1");
              assertThat(arrived.isA("shop.Group1")).isTrue();
              assertThat(arrived.getCause()).hasMessageContaining("Link99");
              assertThat(arrived.getStackTrace()[0].getMethodName()).isEqualTo("<lambda>");
            });
  }

  @Test
  void anExceptionOfHugePartsOnlyBecomesSmall() throws Exception {
    String huge = "\u0001".repeat(100_000);
    var frame = new PythonFrame(huge, 1, huge, huge);
    PythonException exception = null;
    for (int i = 0; i < 20; i++) {
      exception =
          new PythonException(
              huge,
              huge,
              Collections.nCopies(100, huge),
              huge,
              Collections.nCopies(100, huge),
              Collections.nCopies(100, frame),
              exception,
              List.of(),
              huge);
    }

    FailureForm form = FailureForm.of(FailureExamples.raised(exception));

    assertSmall(form);
    assertThat(form.failure()).isInstanceOf(PythonRaised.class);
  }

  private static void assertSmall(FailureForm form) throws IOException {
    assertThat(form.arguments().length).isLessThanOrEqualTo(FailureParts.MOST_WRITTEN);
    assertThat(form.message().length()).isLessThanOrEqualTo(8192);
    assertThat(form.failure().name()).isEqualTo(form.kind());
    FailureForm arrived = travelled(form);
    assertThat(arrived.message()).isEqualTo(form.message());
    assertEqual(arrived.failure(), form.failure());
  }

  /** Python's text may have such halves; encodings between nodes refuse them. */
  @Test
  void halvesOfCharactersArriveAndDoNotStandInTheWay() throws Exception {
    var left = new NotAStream("m:f", "\uDC80 and \uD83D");

    FailureForm form = FailureForm.of(left);

    assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(form.message())).isTrue();
    assertEqual(travelled(form).failure(), left);
  }

  @Test
  void aTextIsNotCutWithinACharacter() {
    for (int shift = 0; shift < 4; shift++) {
      String text = "x".repeat(shift) + "\uD83D\uDC0D".repeat(200);
      String shorter = new Shortening(64, 0, 0).text(text);

      assertThat(shorter.length()).isLessThanOrEqualTo(64);
      assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(shorter)).isTrue();
      assertThat(new Shortening(64, 0, 0).text(shorter)).isEqualTo(shorter);
    }
  }

  @Test
  void aFormPrintsNoContents() throws JsonProcessingException {
    assertThat(FailureForm.of(new NotAStream("secret:f", "secret")))
        .hasToString("FailureForm[kind=NotAStream, arguments=21]");
  }
}
