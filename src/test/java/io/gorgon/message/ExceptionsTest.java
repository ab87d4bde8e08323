package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.PythonRaised;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

/** Which of the user's exceptions it becomes, and what becomes of those that go wrong. */
class ExceptionsTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);

  private static final class OutOfStock extends RuntimeException {
    OutOfStock(String message) {
      super(message);
    }

    OutOfStock(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private static PythonRaised raised(String... classes) {
    return new PythonRaised(
        "m:f",
        WORKER,
        new PythonException(
            "Any", "shop", List.of(classes), "none", List.of(), List.of(), null, List.of(), ""));
  }

  private static final PythonRaised SOLD_OUT =
      raised("shop.SoldOut", "shop.OutOfStock", "builtins.LookupError", "builtins.Exception");

  @Test
  void withoutAnyWhatWasRaisedStays() {
    assertThat(Exceptions.NONE.isEmpty()).isTrue();
    assertThat(Exceptions.NONE.translate(SOLD_OUT)).isSameAs(SOLD_OUT);
  }

  @Test
  void aClassThatIsNotNamedStays() {
    var exceptions = Exceptions.NONE.with("shop.Closed", raised -> new OutOfStock("wrong"));

    assertThat(exceptions.translate(SOLD_OUT)).isSameAs(SOLD_OUT);
  }

  @Test
  void aBaseClassCatchesThoseThatInheritFromIt() {
    var exceptions =
        Exceptions.NONE.with(
            "shop.OutOfStock", raised -> new OutOfStock(raised.exception().message(), raised));

    assertThat(exceptions.translate(SOLD_OUT))
        .isInstanceOf(OutOfStock.class)
        .hasMessage("none")
        .hasCause(SOLD_OUT);
  }

  @Test
  void theNearestClassCatchesWhateverTheOrder() {
    var exceptions =
        Exceptions.NONE
            .with("Exception", raised -> new IllegalStateException())
            .with("shop.SoldOut", raised -> new OutOfStock("nearest"))
            .with("shop.OutOfStock", raised -> new NoSuchElementException());

    assertThat(exceptions.translate(SOLD_OUT)).hasMessage("nearest");
    assertThat(exceptions.translate(raised("x.Y", "builtins.Exception")))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void pythonsOwnClassesDoWithoutTheirModuleAndOthersDoNot() {
    var exceptions =
        Exceptions.NONE
            .with("LookupError", raised -> new NoSuchElementException())
            .with("SoldOut", raised -> new OutOfStock("no such class"));

    assertThat(exceptions.translate(SOLD_OUT)).isInstanceOf(NoSuchElementException.class);
    assertThat(
            Exceptions.NONE
                .with("builtins.LookupError", raised -> new OutOfStock("whole name"))
                .translate(SOLD_OUT))
        .hasMessage("whole name");
  }

  @Test
  void theSameNameAgainReplaces() {
    var exceptions =
        Exceptions.NONE
            .with("LookupError", raised -> new OutOfStock("old"))
            .with("builtins.LookupError", raised -> new OutOfStock("new"));

    assertThat(exceptions.translate(SOLD_OUT)).hasMessage("new");
  }

  @Test
  void addingChangesNoOtherSet() {
    var few = Exceptions.NONE.with("A", raised -> new OutOfStock("a"));
    few.with("LookupError", raised -> new OutOfStock("b"));

    assertThat(few.translate(SOLD_OUT)).isSameAs(SOLD_OUT);
    assertThat(Exceptions.NONE.isEmpty()).isTrue();
    assertThat(few).hasToString("Exceptions[builtins.A]");
  }

  @Test
  void whatWasRaisedBecomesTheCauseOfOneThatNamesNone() {
    var exceptions = Exceptions.NONE.with("LookupError", raised -> new OutOfStock("none"));

    assertThat(exceptions.translate(SOLD_OUT)).hasCause(SOLD_OUT);
  }

  @Test
  void whatWasRaisedIsSuppressedInOneThatRefusesACause() {
    var exceptions = Exceptions.NONE.with("LookupError", raised -> new OutOfStock("none", null));

    assertThat(exceptions.translate(SOLD_OUT).getSuppressed()).containsExactly(SOLD_OUT);
  }

  @Test
  void oneThatNamesACauseKeepsIt() {
    var cause = new IllegalStateException();
    var exceptions = Exceptions.NONE.with("LookupError", raised -> new OutOfStock("none", cause));

    assertThat(exceptions.translate(SOLD_OUT)).hasCause(cause);
  }

  @Test
  void oneOfPythonsOwnCausesIsNotTiedInACircle() {
    var inner = SOLD_OUT.exception();
    var chained =
        new PythonRaised(
            "m:f",
            WORKER,
            new PythonException(
                "Any", "shop", List.of("a.B"), "", List.of(), List.of(), inner, List.of(), ""));
    var exceptions = Exceptions.NONE.with("a.B", raised -> (RuntimeException) raised.getCause());

    assertThat(exceptions.translate(chained)).isSameAs(chained.getCause()).hasNoCause();
  }

  @Test
  void oneThatThrowsIsToldBesidesWhatWasRaisedWhichIsNotChanged() {
    var broken = new AssertionError("my own mistake");
    var exceptions =
        Exceptions.NONE.with(
            "LookupError",
            raised -> {
              throw broken;
            });

    var told = exceptions.translate(SOLD_OUT);

    assertThat(told).isInstanceOf(PythonRaised.class).hasMessage(SOLD_OUT.getMessage());
    assertThat(told.getSuppressed()).containsExactly(broken);
    assertThat(SOLD_OUT.getSuppressed()).isEmpty();
  }

  @Test
  @SuppressWarnings("NullAway") // what a user may do all the same
  void oneThatMakesNothingIsToldToo() {
    var exceptions = Exceptions.NONE.with("LookupError", raised -> null);

    assertThat(exceptions.translate(SOLD_OUT).getSuppressed())
        .singleElement()
        .isInstanceOf(NullPointerException.class);
  }

  @Test
  void eachTimeANewOneIsMade() {
    var made = new ArrayList<RuntimeException>();
    var exceptions = Exceptions.NONE.with("LookupError", raised -> new OutOfStock("none"));
    made.add(exceptions.translate(SOLD_OUT));
    made.add(exceptions.translate(SOLD_OUT));

    assertThat(made.get(0)).isNotSameAs(made.get(1));
  }

  @Test
  void aClassNeedsAName() {
    assertThatThrownBy(() -> Exceptions.NONE.with(" ", raised -> new OutOfStock("")))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
